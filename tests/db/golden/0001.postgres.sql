-- A database of schema 0001, written by the code of release 0.1.0 and dumped by pg_dump --inserts.
CREATE TABLE public.attempts (
    fingerprint character varying(32) NOT NULL,
    attempt integer NOT NULL,
    driver_id character varying(32) NOT NULL,
    slot text NOT NULL,
    node text NOT NULL,
    environment_key character varying(32),
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    failure text DEFAULT ''::text NOT NULL,
    message text DEFAULT ''::text NOT NULL,
    traceback text DEFAULT ''::text NOT NULL,
    directory text NOT NULL,
    CONSTRAINT ck_attempts_attempt CHECK ((attempt >= 1)),
    CONSTRAINT ck_attempts_ended_at CHECK (((ended_at IS NOT NULL) = (outcome IS NOT NULL))),
    CONSTRAINT ck_attempts_outcome CHECK ((outcome = ANY (ARRAY['done'::text, 'diverged'::text, 'failed'::text, 'crashed'::text, 'lost'::text, 'out_of_memory'::text, 'timeout'::text, 'stopped'::text, 'superseded'::text])))
);
CREATE TABLE public.datasets (
    dataset_id bigint NOT NULL,
    name text NOT NULL,
    classes integer NOT NULL,
    channels integer NOT NULL,
    image_side integer NOT NULL,
    train_images integer,
    test_images integer,
    root text,
    digest character varying(32) NOT NULL,
    CONSTRAINT ck_datasets_positive CHECK (((classes >= 1) AND (channels >= 1) AND (image_side >= 0)))
);
CREATE SEQUENCE public.datasets_dataset_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.datasets_dataset_id_seq OWNED BY public.datasets.dataset_id;
CREATE TABLE public.drivers (
    driver_id character varying(32) NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    boot_id text NOT NULL,
    process_started double precision NOT NULL,
    started_at timestamp with time zone NOT NULL,
    heartbeat_at timestamp with time zone NOT NULL,
    beats bigint DEFAULT '0'::bigint NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT ck_drivers_beats CHECK ((beats >= 0))
);
CREATE TABLE public.environments (
    environment_key character varying(32) NOT NULL,
    slot_kind text NOT NULL,
    device text NOT NULL,
    threads integer NOT NULL,
    software text NOT NULL,
    details text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_environments_threads CHECK ((threads >= 0))
);
CREATE TABLE public.epochs (
    fingerprint character varying(32) NOT NULL,
    attempt integer NOT NULL,
    epoch integer NOT NULL,
    loss double precision NOT NULL,
    learning_rate double precision NOT NULL,
    images bigint NOT NULL,
    seconds double precision NOT NULL,
    CONSTRAINT ck_epochs_counts CHECK (((epoch >= 1) AND (images >= 0) AND (seconds >= (0)::double precision)))
);
CREATE TABLE public.evaluations (
    fingerprint character varying(32) NOT NULL,
    attempt integer NOT NULL,
    training character varying(32) NOT NULL,
    test_resolution integer NOT NULL,
    fine_tune text NOT NULL,
    fine_tune_digest character varying(32) NOT NULL,
    fine_tune_layers text NOT NULL,
    images bigint NOT NULL,
    correct bigint NOT NULL,
    correct_before_fine_tune bigint NOT NULL,
    loss double precision NOT NULL,
    test_macs bigint NOT NULL,
    seconds double precision NOT NULL,
    dataset_digest text NOT NULL,
    environment_key character varying(32) NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_evaluations_correct CHECK (((correct >= 0) AND (correct <= images))),
    CONSTRAINT ck_evaluations_correct_before_fine_tune CHECK (((correct_before_fine_tune >= 0) AND (correct_before_fine_tune <= images))),
    CONSTRAINT ck_evaluations_loss CHECK ((loss < ('1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision)),
    CONSTRAINT ck_evaluations_positive CHECK (((images > 0) AND (test_macs > 0) AND (test_resolution > 0) AND (seconds >= (0)::double precision)))
);
CREATE TABLE public.frontsweep_alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.measurements (
    measurement_id bigint NOT NULL,
    fingerprint character varying(32) NOT NULL,
    attempt integer NOT NULL,
    variant_id bigint NOT NULL,
    channels integer NOT NULL,
    classes integer NOT NULL,
    mode text NOT NULL,
    resolution integer NOT NULL,
    "precision" text NOT NULL,
    optimizer text,
    batch_size_requested integer,
    batch_size integer NOT NULL,
    memory_format text NOT NULL,
    images_per_second double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    cv double precision NOT NULL,
    warmup_steps integer NOT NULL,
    macs bigint NOT NULL,
    params bigint NOT NULL,
    peak_memory_bytes bigint,
    verdict text NOT NULL,
    verdict_reason text NOT NULL,
    conditions text NOT NULL,
    environment_key character varying(32) NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_measurements_counts CHECK (((resolution > 0) AND (batch_size > 0) AND (warmup_steps >= 0))),
    CONSTRAINT ck_measurements_cv CHECK (((cv >= (0)::double precision) AND (cv < ('1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
    CONSTRAINT ck_measurements_images_per_second CHECK (((images_per_second > (0)::double precision) AND (images_per_second < ('1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
    CONSTRAINT ck_measurements_interval CHECK (((low > (0)::double precision) AND (low <= high) AND (high < ('1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
    CONSTRAINT ck_measurements_mode CHECK ((mode = ANY (ARRAY['train'::text, 'inference'::text]))),
    CONSTRAINT ck_measurements_optimizer CHECK (((optimizer IS NOT NULL) = (mode = 'train'::text))),
    CONSTRAINT ck_measurements_verdict CHECK ((verdict = ANY (ARRAY['clean'::text, 'noisy'::text, 'contended'::text])))
);
CREATE TABLE public.publications (
    publication_id bigint NOT NULL,
    name text NOT NULL,
    dataset text NOT NULL,
    imported_at timestamp with time zone NOT NULL
);
CREATE TABLE public.published_results (
    publication_id bigint NOT NULL,
    ordinal integer NOT NULL,
    series text NOT NULL,
    variant_id bigint NOT NULL,
    train_resolution integer NOT NULL,
    test_resolution integer,
    native_resolution integer,
    half_resolution integer,
    fine_tuned boolean NOT NULL,
    top1_ppm integer NOT NULL,
    params bigint,
    train_macs bigint,
    train_images_per_second double precision,
    inference_images_per_second double precision,
    slot_kind text,
    device text NOT NULL,
    CONSTRAINT ck_published_results_inference_throughput CHECK (((inference_images_per_second > (0)::double precision) AND (inference_images_per_second < ('1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))),
    CONSTRAINT ck_published_results_top1_ppm CHECK (((top1_ppm >= 0) AND (top1_ppm <= 1000000))),
    CONSTRAINT ck_published_results_train_throughput CHECK (((train_images_per_second > (0)::double precision) AND (train_images_per_second < ('1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision)))
);
CREATE TABLE public.sweep_jobs (
    sweep_id bigint NOT NULL,
    fingerprint character varying(32) NOT NULL,
    ordinal integer NOT NULL
);
CREATE TABLE public.sweeps (
    sweep_id bigint NOT NULL,
    name text NOT NULL,
    spec_text text NOT NULL,
    spec_digest text NOT NULL,
    state text NOT NULL,
    driver_id character varying(32),
    artifacts text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT ck_sweeps_finished_at CHECK (((finished_at IS NOT NULL) = (state = ANY (ARRAY['finished'::text, 'failed'::text])))),
    CONSTRAINT ck_sweeps_state CHECK ((state = ANY (ARRAY['running'::text, 'paused'::text, 'stopped'::text, 'finished'::text, 'failed'::text])))
);
CREATE TABLE public.trainings (
    fingerprint character varying(32) NOT NULL,
    attempt integer NOT NULL,
    variant_id bigint NOT NULL,
    dataset_id bigint NOT NULL,
    train_resolution integer NOT NULL,
    native_resolution integer,
    half_resolution integer,
    seed bigint NOT NULL,
    "precision" text NOT NULL,
    optimizer text NOT NULL,
    recipe text NOT NULL,
    recipe_digest character varying(32) NOT NULL,
    params bigint NOT NULL,
    train_macs bigint NOT NULL,
    epochs integer NOT NULL,
    train_loss double precision NOT NULL,
    images_seen bigint NOT NULL,
    seconds double precision NOT NULL,
    checkpoint text NOT NULL,
    checkpoint_sha256 character varying(64) NOT NULL,
    checkpoint_bytes bigint NOT NULL,
    dataset_digest text NOT NULL,
    environment_key character varying(32) NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_trainings_counts CHECK (((epochs >= 0) AND (images_seen >= 0) AND (seconds >= (0)::double precision))),
    CONSTRAINT ck_trainings_positive CHECK (((params > 0) AND (train_macs > 0) AND (train_resolution > 0) AND (checkpoint_bytes > 0))),
    CONSTRAINT ck_trainings_train_loss CHECK ((train_loss < ('1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision))
);
CREATE TABLE public.variants (
    variant_id bigint NOT NULL,
    model_size text NOT NULL,
    group_size integer NOT NULL,
    expansion integer NOT NULL,
    norm text NOT NULL,
    width double precision NOT NULL,
    small_images boolean NOT NULL,
    CONSTRAINT ck_variants_positive CHECK (((group_size >= 1) AND (expansion >= 1) AND (width > (0)::double precision) AND (width < ('1000000'::numeric)::double precision)))
);
CREATE VIEW public.results AS
 WITH newest AS (
         SELECT ranked.sweep_id,
            ranked.measurement_id,
            ranked.fingerprint,
            ranked.attempt,
            ranked.variant_id,
            ranked.channels,
            ranked.classes,
            ranked.mode,
            ranked.resolution,
            ranked."precision",
            ranked.optimizer,
            ranked.batch_size_requested,
            ranked.batch_size,
            ranked.memory_format,
            ranked.images_per_second,
            ranked.low,
            ranked.high,
            ranked.cv,
            ranked.warmup_steps,
            ranked.macs,
            ranked.params,
            ranked.peak_memory_bytes,
            ranked.verdict,
            ranked.verdict_reason,
            ranked.conditions,
            ranked.environment_key,
            ranked.measured_at,
            ranked.rank
           FROM ( SELECT sweep_jobs.sweep_id,
                    measurements.measurement_id,
                    measurements.fingerprint,
                    measurements.attempt,
                    measurements.variant_id,
                    measurements.channels,
                    measurements.classes,
                    measurements.mode,
                    measurements.resolution,
                    measurements."precision",
                    measurements.optimizer,
                    measurements.batch_size_requested,
                    measurements.batch_size,
                    measurements.memory_format,
                    measurements.images_per_second,
                    measurements.low,
                    measurements.high,
                    measurements.cv,
                    measurements.warmup_steps,
                    measurements.macs,
                    measurements.params,
                    measurements.peak_memory_bytes,
                    measurements.verdict,
                    measurements.verdict_reason,
                    measurements.conditions,
                    measurements.environment_key,
                    measurements.measured_at,
                    row_number() OVER (PARTITION BY sweep_jobs.sweep_id, measurements.environment_key, measurements.variant_id, measurements.channels, measurements.classes, measurements.mode, measurements.resolution, measurements."precision", measurements.optimizer ORDER BY
                        CASE
                            WHEN (measurements.verdict IS NULL) THEN 2
                            WHEN (measurements.verdict = 'contended'::text) THEN 1
                            ELSE 0
                        END, measurements.measurement_id DESC) AS rank
                   FROM (public.sweep_jobs
                     JOIN public.measurements ON (((measurements.fingerprint)::text = (sweep_jobs.fingerprint)::text)))) ranked
          WHERE (ranked.rank = 1)
        )
 SELECT sweeps.name AS sweep,
    'measured'::text AS source,
    (((((('G'::text || (variants.group_size)::text) ||
        CASE
            WHEN (((variants.group_size = 1) AND (variants.expansion = 6)) OR ((variants.group_size = 16) AND (variants.expansion = 4))) THEN ''::text
            ELSE ('E'::text || (variants.expansion)::text)
        END) || '-'::text) || upper(variants.norm)) || '-'::text) ||
        CASE
            WHEN (trainings.train_resolution = trainings.native_resolution) THEN 'Native'::text
            WHEN (trainings.train_resolution = trainings.half_resolution) THEN 'Half'::text
            ELSE (trainings.train_resolution)::text
        END) AS series,
    variants.model_size,
    variants.group_size,
    variants.expansion,
    variants.norm,
    variants.width,
    variants.small_images,
    datasets.name AS dataset,
    datasets.train_images,
    datasets.test_images,
    trainings.train_resolution,
    evaluations.test_resolution,
    trainings.native_resolution,
    trainings.half_resolution,
    trainings.seed,
    (((evaluations.correct)::double precision * (100)::double precision) / ((evaluations.images)::numeric)::double precision) AS top1,
    (((evaluations.correct_before_fine_tune)::double precision * (100)::double precision) / ((evaluations.images)::numeric)::double precision) AS top1_before_fine_tune,
    ((evaluations.correct * 1000000) / evaluations.images) AS top1_ppm,
    evaluations.images,
    evaluations.correct,
    evaluations.correct_before_fine_tune,
    trainings.params,
    trainings.train_macs,
    evaluations.test_macs,
    train_throughput.images_per_second AS train_images_per_second,
    train_throughput.cv AS train_throughput_cv,
    train_throughput.verdict AS train_verdict,
    inference_throughput.images_per_second AS inference_images_per_second,
    inference_throughput.cv AS inference_throughput_cv,
    inference_throughput.verdict AS inference_verdict,
    environments.slot_kind,
    environments.device,
    environments.threads,
    trainings."precision",
    evaluations.fine_tune_layers,
    trainings.recipe_digest,
    evaluations.fine_tune_digest,
    trainings.fingerprint AS training_run,
    evaluations.fingerprint AS evaluation,
    train_throughput.measurement_id AS train_measurement_id,
    inference_throughput.measurement_id AS inference_measurement_id,
    places.environment_key,
    variants.variant_id,
    datasets.dataset_id,
    evaluations.finished_at
   FROM (((((((((public.evaluations
     JOIN public.trainings ON (((trainings.fingerprint)::text = (evaluations.training)::text)))
     JOIN public.variants ON ((variants.variant_id = trainings.variant_id)))
     JOIN public.datasets ON ((datasets.dataset_id = trainings.dataset_id)))
     JOIN public.sweep_jobs ON (((sweep_jobs.fingerprint)::text = (evaluations.fingerprint)::text)))
     JOIN public.sweeps ON ((sweeps.sweep_id = sweep_jobs.sweep_id)))
     LEFT JOIN ( SELECT DISTINCT newest.sweep_id,
            newest.environment_key
           FROM newest) places ON ((places.sweep_id = sweep_jobs.sweep_id)))
     LEFT JOIN public.environments ON (((environments.environment_key)::text = (places.environment_key)::text)))
     LEFT JOIN newest train_throughput ON (((train_throughput.sweep_id = places.sweep_id) AND ((train_throughput.environment_key)::text = (places.environment_key)::text) AND (train_throughput.variant_id = trainings.variant_id) AND (train_throughput.mode = 'train'::text) AND (train_throughput.resolution = trainings.train_resolution) AND (train_throughput.channels = datasets.channels) AND (train_throughput.classes = datasets.classes) AND (train_throughput."precision" = trainings."precision") AND (train_throughput.optimizer = trainings.optimizer))))
     LEFT JOIN newest inference_throughput ON (((inference_throughput.sweep_id = places.sweep_id) AND ((inference_throughput.environment_key)::text = (places.environment_key)::text) AND (inference_throughput.variant_id = trainings.variant_id) AND (inference_throughput.mode = 'inference'::text) AND (inference_throughput.resolution = evaluations.test_resolution) AND (inference_throughput.channels = datasets.channels) AND (inference_throughput.classes = datasets.classes) AND (inference_throughput."precision" = trainings."precision"))))
UNION ALL
 SELECT NULL::text AS sweep,
    'published'::text AS source,
    published_results.series,
    variants.model_size,
    variants.group_size,
    variants.expansion,
    variants.norm,
    variants.width,
    variants.small_images,
    publications.dataset,
    NULL::integer AS train_images,
    NULL::integer AS test_images,
    published_results.train_resolution,
    published_results.test_resolution,
    published_results.native_resolution,
    published_results.half_resolution,
    NULL::bigint AS seed,
    ((published_results.top1_ppm)::double precision / ((10000)::numeric)::double precision) AS top1,
    NULL::double precision AS top1_before_fine_tune,
    (published_results.top1_ppm)::bigint AS top1_ppm,
    NULL::bigint AS images,
    NULL::bigint AS correct,
    NULL::bigint AS correct_before_fine_tune,
    published_results.params,
    published_results.train_macs,
    NULL::bigint AS test_macs,
    published_results.train_images_per_second,
    NULL::double precision AS train_throughput_cv,
    NULL::text AS train_verdict,
    published_results.inference_images_per_second,
    NULL::double precision AS inference_throughput_cv,
    NULL::text AS inference_verdict,
    published_results.slot_kind,
    published_results.device,
    NULL::integer AS threads,
    NULL::text AS "precision",
        CASE
            WHEN published_results.fine_tuned THEN NULL::text
            ELSE 'none'::text
        END AS fine_tune_layers,
    NULL::text AS recipe_digest,
    NULL::text AS fine_tune_digest,
    NULL::text AS training_run,
    NULL::text AS evaluation,
    NULL::bigint AS train_measurement_id,
    NULL::bigint AS inference_measurement_id,
    NULL::text AS environment_key,
    variants.variant_id,
    NULL::bigint AS dataset_id,
    NULL::timestamp with time zone AS finished_at
   FROM ((public.published_results
     JOIN public.publications ON ((publications.publication_id = published_results.publication_id)))
     JOIN public.variants ON ((variants.variant_id = published_results.variant_id)));
CREATE VIEW public.variant_results AS
 SELECT points.source,
    points.series,
    variants.model_size,
    variants.group_size,
    variants.expansion,
    variants.norm,
    variants.width,
    variants.small_images,
    points.dataset,
    datasets.train_images,
    datasets.test_images,
    points.train_resolution,
    points.test_resolution,
    points.native_resolution,
    points.half_resolution,
    points.seeds,
        CASE
            WHEN (points.images_sum IS NULL) THEN ((points.published_ppm)::double precision / ((10000)::numeric)::double precision)
            ELSE (((points.correct_sum)::double precision * (100)::double precision) / ((points.images_sum)::numeric)::double precision)
        END AS top1_mean,
        CASE
            WHEN (points.seeds > 1) THEN (sqrt(((((points.seeds * points.ppm_squares) - (points.ppm_sum * points.ppm_sum)))::double precision / (((points.seeds * (points.seeds - 1)))::numeric)::double precision)) / ((10000)::numeric)::double precision)
            ELSE NULL::double precision
        END AS top1_std,
    COALESCE(((points.correct_sum * 1000000) / points.images_sum), points.published_ppm) AS top1_ppm,
    (((points.correct_before_sum)::double precision * (100)::double precision) / ((points.images_sum)::numeric)::double precision) AS top1_before_fine_tune_mean,
    points.images_sum,
    points.correct_sum,
    points.params,
    points.train_macs,
    points.test_macs,
    COALESCE(train_measurement.images_per_second, points.published_train) AS train_images_per_second,
    train_measurement.cv AS train_throughput_cv,
    train_measurement.verdict AS train_verdict,
    COALESCE(inference_measurement.images_per_second, points.published_inference) AS inference_images_per_second,
    inference_measurement.cv AS inference_throughput_cv,
    inference_measurement.verdict AS inference_verdict,
    points.slot_kind,
    points.device,
    points.threads,
    points."precision",
    points.fine_tune_layers,
    points.recipe_digest,
    points.fine_tune_digest,
    points.train_measurement_id,
    points.inference_measurement_id,
    points.variant_id,
    points.dataset_id,
    points.finished_at
   FROM ((((( SELECT pooled.source,
            pooled.series,
            pooled.variant_id,
            pooled.dataset,
            pooled.dataset_id,
            pooled.train_resolution,
            pooled.native_resolution,
            pooled.half_resolution,
            pooled.recipe_digest,
            pooled."precision",
            pooled.test_resolution,
            pooled.fine_tune_layers,
            pooled.fine_tune_digest,
            pooled.slot_kind,
            pooled.device,
            pooled.threads,
            pooled.seeds,
            pooled.images_sum,
            pooled.correct_sum,
            pooled.correct_before_sum,
            pooled.ppm_sum,
            pooled.ppm_squares,
            pooled.published_ppm,
            pooled.published_train,
            pooled.published_inference,
            pooled.params,
            pooled.train_macs,
            pooled.test_macs,
            pooled.train_undisturbed,
            pooled.train_newest,
            pooled.inference_undisturbed,
            pooled.inference_newest,
            pooled.finished_at,
            COALESCE(max(pooled.train_undisturbed) OVER (PARTITION BY pooled.source, pooled.series, pooled.variant_id, pooled.dataset, pooled.dataset_id, pooled.train_resolution, pooled.native_resolution, pooled.half_resolution, pooled.recipe_digest, pooled."precision", pooled.slot_kind, pooled.device, pooled.threads), max(pooled.train_newest) OVER (PARTITION BY pooled.source, pooled.series, pooled.variant_id, pooled.dataset, pooled.dataset_id, pooled.train_resolution, pooled.native_resolution, pooled.half_resolution, pooled.recipe_digest, pooled."precision", pooled.slot_kind, pooled.device, pooled.threads)) AS train_measurement_id,
            COALESCE(pooled.inference_undisturbed, pooled.inference_newest) AS inference_measurement_id
           FROM ( SELECT numbered.source,
                    numbered.series,
                    numbered.variant_id,
                    numbered.dataset,
                    numbered.dataset_id,
                    numbered.train_resolution,
                    numbered.native_resolution,
                    numbered.half_resolution,
                    numbered.recipe_digest,
                    numbered."precision",
                    numbered.test_resolution,
                    numbered.fine_tune_layers,
                    numbered.fine_tune_digest,
                    numbered.slot_kind,
                    numbered.device,
                    numbered.threads,
                    NULLIF(count(DISTINCT numbered.evaluation), 0) AS seeds,
                    (sum(
                        CASE
                            WHEN (numbered.copy = 1) THEN numbered.images
                            ELSE NULL::bigint
                        END))::bigint AS images_sum,
                    (sum(
                        CASE
                            WHEN (numbered.copy = 1) THEN numbered.correct
                            ELSE NULL::bigint
                        END))::bigint AS correct_sum,
                    (sum(
                        CASE
                            WHEN (numbered.copy = 1) THEN numbered.correct_before_fine_tune
                            ELSE NULL::bigint
                        END))::bigint AS correct_before_sum,
                    (sum(
                        CASE
                            WHEN (numbered.copy = 1) THEN numbered.top1_ppm
                            ELSE NULL::bigint
                        END))::bigint AS ppm_sum,
                    (sum(
                        CASE
                            WHEN (numbered.copy = 1) THEN (numbered.top1_ppm * numbered.top1_ppm)
                            ELSE NULL::bigint
                        END))::bigint AS ppm_squares,
                    max(
                        CASE
                            WHEN (numbered.source = 'published'::text) THEN numbered.top1_ppm
                            ELSE NULL::bigint
                        END) AS published_ppm,
                    max(
                        CASE
                            WHEN (numbered.source = 'published'::text) THEN numbered.train_images_per_second
                            ELSE NULL::double precision
                        END) AS published_train,
                    max(
                        CASE
                            WHEN (numbered.source = 'published'::text) THEN numbered.inference_images_per_second
                            ELSE NULL::double precision
                        END) AS published_inference,
                    max(numbered.params) AS params,
                    max(numbered.train_macs) AS train_macs,
                    max(numbered.test_macs) AS test_macs,
                    max(
                        CASE
                            WHEN (numbered.train_verdict <> 'contended'::text) THEN numbered.train_measurement_id
                            ELSE NULL::bigint
                        END) AS train_undisturbed,
                    max(numbered.train_measurement_id) AS train_newest,
                    max(
                        CASE
                            WHEN (numbered.inference_verdict <> 'contended'::text) THEN numbered.inference_measurement_id
                            ELSE NULL::bigint
                        END) AS inference_undisturbed,
                    max(numbered.inference_measurement_id) AS inference_newest,
                    max(numbered.finished_at) AS finished_at
                   FROM ( SELECT results.source,
                            results.series,
                            results.variant_id,
                            results.dataset,
                            results.dataset_id,
                            results.train_resolution,
                            results.native_resolution,
                            results.half_resolution,
                            results.recipe_digest,
                            results."precision",
                            results.test_resolution,
                            results.fine_tune_layers,
                            results.fine_tune_digest,
                            results.slot_kind,
                            results.device,
                            results.threads,
                            results.evaluation,
                            results.images,
                            results.correct,
                            results.correct_before_fine_tune,
                            results.top1_ppm,
                            results.params,
                            results.train_macs,
                            results.test_macs,
                            results.train_images_per_second,
                            results.train_verdict,
                            results.train_measurement_id,
                            results.inference_images_per_second,
                            results.inference_verdict,
                            results.inference_measurement_id,
                            results.finished_at,
                            row_number() OVER (PARTITION BY results.evaluation, results.slot_kind, results.device, results.threads ORDER BY results.sweep, results.environment_key) AS copy
                           FROM public.results) numbered
                  GROUP BY numbered.source, numbered.series, numbered.variant_id, numbered.dataset, numbered.dataset_id, numbered.train_resolution, numbered.native_resolution, numbered.half_resolution, numbered.recipe_digest, numbered."precision", numbered.test_resolution, numbered.fine_tune_layers, numbered.fine_tune_digest, numbered.slot_kind, numbered.device, numbered.threads) pooled) points
     JOIN public.variants ON ((variants.variant_id = points.variant_id)))
     LEFT JOIN public.datasets ON ((datasets.dataset_id = points.dataset_id)))
     LEFT JOIN public.measurements train_measurement ON ((train_measurement.measurement_id = points.train_measurement_id)))
     LEFT JOIN public.measurements inference_measurement ON ((inference_measurement.measurement_id = points.inference_measurement_id)));
CREATE VIEW public.inference_front AS
 SELECT scenario,
    images_per_second,
    source,
    series,
    model_size,
    group_size,
    expansion,
    norm,
    width,
    small_images,
    dataset,
    train_images,
    test_images,
    train_resolution,
    test_resolution,
    native_resolution,
    half_resolution,
    seeds,
    top1_mean,
    top1_std,
    top1_ppm,
    top1_before_fine_tune_mean,
    images_sum,
    correct_sum,
    params,
    train_macs,
    test_macs,
    train_images_per_second,
    train_throughput_cv,
    train_verdict,
    inference_images_per_second,
    inference_throughput_cv,
    inference_verdict,
    slot_kind,
    device,
    threads,
    "precision",
    fine_tune_layers,
    recipe_digest,
    fine_tune_digest,
    train_measurement_id,
    inference_measurement_id,
    variant_id,
    dataset_id,
    finished_at
   FROM ( SELECT ranked.scenario,
            ranked.images_per_second,
            ranked.source,
            ranked.series,
            ranked.model_size,
            ranked.group_size,
            ranked.expansion,
            ranked.norm,
            ranked.width,
            ranked.small_images,
            ranked.dataset,
            ranked.train_images,
            ranked.test_images,
            ranked.train_resolution,
            ranked.test_resolution,
            ranked.native_resolution,
            ranked.half_resolution,
            ranked.seeds,
            ranked.top1_mean,
            ranked.top1_std,
            ranked.top1_ppm,
            ranked.top1_before_fine_tune_mean,
            ranked.images_sum,
            ranked.correct_sum,
            ranked.params,
            ranked.train_macs,
            ranked.test_macs,
            ranked.train_images_per_second,
            ranked.train_throughput_cv,
            ranked.train_verdict,
            ranked.inference_images_per_second,
            ranked.inference_throughput_cv,
            ranked.inference_verdict,
            ranked.slot_kind,
            ranked.device,
            ranked.threads,
            ranked."precision",
            ranked.fine_tune_layers,
            ranked.recipe_digest,
            ranked.fine_tune_digest,
            ranked.train_measurement_id,
            ranked.inference_measurement_id,
            ranked.variant_id,
            ranked.dataset_id,
            ranked.finished_at,
            COALESCE((1 - ((ranked.best_before >= ranked.top1_ppm))::integer), 1) AS on_front
           FROM ( SELECT candidates.scenario,
                    candidates.images_per_second,
                    candidates.source,
                    candidates.series,
                    candidates.model_size,
                    candidates.group_size,
                    candidates.expansion,
                    candidates.norm,
                    candidates.width,
                    candidates.small_images,
                    candidates.dataset,
                    candidates.train_images,
                    candidates.test_images,
                    candidates.train_resolution,
                    candidates.test_resolution,
                    candidates.native_resolution,
                    candidates.half_resolution,
                    candidates.seeds,
                    candidates.top1_mean,
                    candidates.top1_std,
                    candidates.top1_ppm,
                    candidates.top1_before_fine_tune_mean,
                    candidates.images_sum,
                    candidates.correct_sum,
                    candidates.params,
                    candidates.train_macs,
                    candidates.test_macs,
                    candidates.train_images_per_second,
                    candidates.train_throughput_cv,
                    candidates.train_verdict,
                    candidates.inference_images_per_second,
                    candidates.inference_throughput_cv,
                    candidates.inference_verdict,
                    candidates.slot_kind,
                    candidates.device,
                    candidates.threads,
                    candidates."precision",
                    candidates.fine_tune_layers,
                    candidates.recipe_digest,
                    candidates.fine_tune_digest,
                    candidates.train_measurement_id,
                    candidates.inference_measurement_id,
                    candidates.variant_id,
                    candidates.dataset_id,
                    candidates.finished_at,
                    max(candidates.top1_ppm) OVER (PARTITION BY candidates.scenario, candidates.source, candidates.dataset, candidates.dataset_id, candidates."precision", candidates.slot_kind, candidates.device, candidates.threads ORDER BY candidates.images_per_second DESC, candidates.top1_ppm DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS best_before
                   FROM ( SELECT scenarios.scenario,
                            tested.inference_images_per_second AS images_per_second,
                            tested.source,
                            tested.series,
                            tested.model_size,
                            tested.group_size,
                            tested.expansion,
                            tested.norm,
                            tested.width,
                            tested.small_images,
                            tested.dataset,
                            tested.train_images,
                            tested.test_images,
                            tested.train_resolution,
                            tested.test_resolution,
                            tested.native_resolution,
                            tested.half_resolution,
                            tested.seeds,
                            tested.top1_mean,
                            tested.top1_std,
                            tested.top1_ppm,
                            tested.top1_before_fine_tune_mean,
                            tested.images_sum,
                            tested.correct_sum,
                            tested.params,
                            tested.train_macs,
                            tested.test_macs,
                            tested.train_images_per_second,
                            tested.train_throughput_cv,
                            tested.train_verdict,
                            tested.inference_images_per_second,
                            tested.inference_throughput_cv,
                            tested.inference_verdict,
                            tested.slot_kind,
                            tested.device,
                            tested.threads,
                            tested."precision",
                            tested.fine_tune_layers,
                            tested.recipe_digest,
                            tested.fine_tune_digest,
                            tested.train_measurement_id,
                            tested.inference_measurement_id,
                            tested.variant_id,
                            tested.dataset_id,
                            tested.finished_at
                           FROM (( SELECT variant_results.source,
                                    variant_results.series,
                                    variant_results.model_size,
                                    variant_results.group_size,
                                    variant_results.expansion,
                                    variant_results.norm,
                                    variant_results.width,
                                    variant_results.small_images,
                                    variant_results.dataset,
                                    variant_results.train_images,
                                    variant_results.test_images,
                                    variant_results.train_resolution,
                                    variant_results.test_resolution,
                                    variant_results.native_resolution,
                                    variant_results.half_resolution,
                                    variant_results.seeds,
                                    variant_results.top1_mean,
                                    variant_results.top1_std,
                                    variant_results.top1_ppm,
                                    variant_results.top1_before_fine_tune_mean,
                                    variant_results.images_sum,
                                    variant_results.correct_sum,
                                    variant_results.params,
                                    variant_results.train_macs,
                                    variant_results.test_macs,
                                    variant_results.train_images_per_second,
                                    variant_results.train_throughput_cv,
                                    variant_results.train_verdict,
                                    variant_results.inference_images_per_second,
                                    variant_results.inference_throughput_cv,
                                    variant_results.inference_verdict,
                                    variant_results.slot_kind,
                                    variant_results.device,
                                    variant_results.threads,
                                    variant_results."precision",
                                    variant_results.fine_tune_layers,
                                    variant_results.recipe_digest,
                                    variant_results.fine_tune_digest,
                                    variant_results.train_measurement_id,
                                    variant_results.inference_measurement_id,
                                    variant_results.variant_id,
                                    variant_results.dataset_id,
                                    variant_results.finished_at,
                                    row_number() OVER (PARTITION BY variant_results.source, variant_results.series, variant_results.variant_id, variant_results.dataset, variant_results.dataset_id, variant_results.train_resolution, variant_results.native_resolution, variant_results.half_resolution, variant_results.recipe_digest, variant_results."precision", variant_results.slot_kind, variant_results.device, variant_results.threads, variant_results.fine_tune_digest ORDER BY variant_results.top1_ppm DESC, COALESCE(variant_results.test_resolution, 0)) AS ranking
                                   FROM public.variant_results) tested
                             JOIN ( SELECT 'native'::text AS scenario
                                UNION ALL
                                 SELECT 'best'::text AS scenario
                                UNION ALL
                                 SELECT 'all'::text AS scenario) scenarios ON (((scenarios.scenario = 'all'::text) OR ((scenarios.scenario = 'native'::text) AND (tested.test_resolution = tested.native_resolution)) OR ((scenarios.scenario = 'best'::text) AND (tested.ranking = 1)))))
                          WHERE ((tested.inference_images_per_second IS NOT NULL) AND (COALESCE(tested.inference_verdict, 'clean'::text) <> 'contended'::text))) candidates) ranked) judged
  WHERE (on_front = 1);
CREATE TABLE public.jobs (
    fingerprint character varying(32) NOT NULL,
    stage text NOT NULL,
    label text NOT NULL,
    config text NOT NULL,
    depends_on character varying(32),
    environment_key character varying(32),
    state text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    driver_id character varying(32),
    slot text,
    crashes integer DEFAULT 0 NOT NULL,
    losses integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    progress double precision DEFAULT '0'::double precision NOT NULL,
    progress_text text DEFAULT ''::text NOT NULL,
    CONSTRAINT ck_jobs_counts CHECK (((attempt >= 0) AND (crashes >= 0) AND (losses >= 0))),
    CONSTRAINT ck_jobs_depends_on CHECK (((depends_on IS NOT NULL) = (stage = 'evaluate'::text))),
    CONSTRAINT ck_jobs_driver_id CHECK (((driver_id IS NOT NULL) = (state = 'running'::text))),
    CONSTRAINT ck_jobs_environment_key CHECK (((environment_key IS NOT NULL) = (stage = 'measure'::text))),
    CONSTRAINT ck_jobs_finished_at CHECK (((finished_at IS NOT NULL) = (state = ANY (ARRAY['done'::text, 'diverged'::text, 'failed'::text, 'quarantined'::text, 'cancelled'::text])))),
    CONSTRAINT ck_jobs_progress CHECK (((progress >= (0)::double precision) AND (progress <= (1)::double precision))),
    CONSTRAINT ck_jobs_running CHECK (((state <> 'running'::text) OR ((attempt >= 1) AND (started_at IS NOT NULL)))),
    CONSTRAINT ck_jobs_slot CHECK (((slot IS NOT NULL) = (state = 'running'::text))),
    CONSTRAINT ck_jobs_stage CHECK ((stage = ANY (ARRAY['train'::text, 'evaluate'::text, 'measure'::text]))),
    CONSTRAINT ck_jobs_state CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'blocked'::text, 'done'::text, 'diverged'::text, 'failed'::text, 'quarantined'::text, 'cancelled'::text])))
);
CREATE SEQUENCE public.measurements_measurement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.measurements_measurement_id_seq OWNED BY public.measurements.measurement_id;
CREATE SEQUENCE public.publications_publication_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.publications_publication_id_seq OWNED BY public.publications.publication_id;
CREATE TABLE public.samples (
    measurement_id bigint NOT NULL,
    ordinal integer NOT NULL,
    images bigint NOT NULL,
    seconds double precision NOT NULL,
    CONSTRAINT ck_samples_positive CHECK (((images > 0) AND (seconds > (0)::double precision) AND (seconds < ('1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000'::numeric)::double precision)))
);
CREATE SEQUENCE public.sweeps_sweep_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.sweeps_sweep_id_seq OWNED BY public.sweeps.sweep_id;
CREATE VIEW public.training_front AS
 SELECT scenario,
    images_per_second,
    source,
    series,
    model_size,
    group_size,
    expansion,
    norm,
    width,
    small_images,
    dataset,
    train_images,
    test_images,
    train_resolution,
    test_resolution,
    native_resolution,
    half_resolution,
    seeds,
    top1_mean,
    top1_std,
    top1_ppm,
    top1_before_fine_tune_mean,
    images_sum,
    correct_sum,
    params,
    train_macs,
    test_macs,
    train_images_per_second,
    train_throughput_cv,
    train_verdict,
    inference_images_per_second,
    inference_throughput_cv,
    inference_verdict,
    slot_kind,
    device,
    threads,
    "precision",
    fine_tune_layers,
    recipe_digest,
    fine_tune_digest,
    train_measurement_id,
    inference_measurement_id,
    variant_id,
    dataset_id,
    finished_at
   FROM ( SELECT ranked.scenario,
            ranked.images_per_second,
            ranked.source,
            ranked.series,
            ranked.model_size,
            ranked.group_size,
            ranked.expansion,
            ranked.norm,
            ranked.width,
            ranked.small_images,
            ranked.dataset,
            ranked.train_images,
            ranked.test_images,
            ranked.train_resolution,
            ranked.test_resolution,
            ranked.native_resolution,
            ranked.half_resolution,
            ranked.seeds,
            ranked.top1_mean,
            ranked.top1_std,
            ranked.top1_ppm,
            ranked.top1_before_fine_tune_mean,
            ranked.images_sum,
            ranked.correct_sum,
            ranked.params,
            ranked.train_macs,
            ranked.test_macs,
            ranked.train_images_per_second,
            ranked.train_throughput_cv,
            ranked.train_verdict,
            ranked.inference_images_per_second,
            ranked.inference_throughput_cv,
            ranked.inference_verdict,
            ranked.slot_kind,
            ranked.device,
            ranked.threads,
            ranked."precision",
            ranked.fine_tune_layers,
            ranked.recipe_digest,
            ranked.fine_tune_digest,
            ranked.train_measurement_id,
            ranked.inference_measurement_id,
            ranked.variant_id,
            ranked.dataset_id,
            ranked.finished_at,
            COALESCE((1 - ((ranked.best_before >= ranked.top1_ppm))::integer), 1) AS on_front
           FROM ( SELECT candidates.scenario,
                    candidates.images_per_second,
                    candidates.source,
                    candidates.series,
                    candidates.model_size,
                    candidates.group_size,
                    candidates.expansion,
                    candidates.norm,
                    candidates.width,
                    candidates.small_images,
                    candidates.dataset,
                    candidates.train_images,
                    candidates.test_images,
                    candidates.train_resolution,
                    candidates.test_resolution,
                    candidates.native_resolution,
                    candidates.half_resolution,
                    candidates.seeds,
                    candidates.top1_mean,
                    candidates.top1_std,
                    candidates.top1_ppm,
                    candidates.top1_before_fine_tune_mean,
                    candidates.images_sum,
                    candidates.correct_sum,
                    candidates.params,
                    candidates.train_macs,
                    candidates.test_macs,
                    candidates.train_images_per_second,
                    candidates.train_throughput_cv,
                    candidates.train_verdict,
                    candidates.inference_images_per_second,
                    candidates.inference_throughput_cv,
                    candidates.inference_verdict,
                    candidates.slot_kind,
                    candidates.device,
                    candidates.threads,
                    candidates."precision",
                    candidates.fine_tune_layers,
                    candidates.recipe_digest,
                    candidates.fine_tune_digest,
                    candidates.train_measurement_id,
                    candidates.inference_measurement_id,
                    candidates.variant_id,
                    candidates.dataset_id,
                    candidates.finished_at,
                    max(candidates.top1_ppm) OVER (PARTITION BY candidates.scenario, candidates.source, candidates.dataset, candidates.dataset_id, candidates."precision", candidates.slot_kind, candidates.device, candidates.threads ORDER BY candidates.images_per_second DESC, candidates.top1_ppm DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS best_before
                   FROM ( SELECT scenarios.scenario,
                            tested.train_images_per_second AS images_per_second,
                            tested.source,
                            tested.series,
                            tested.model_size,
                            tested.group_size,
                            tested.expansion,
                            tested.norm,
                            tested.width,
                            tested.small_images,
                            tested.dataset,
                            tested.train_images,
                            tested.test_images,
                            tested.train_resolution,
                            tested.test_resolution,
                            tested.native_resolution,
                            tested.half_resolution,
                            tested.seeds,
                            tested.top1_mean,
                            tested.top1_std,
                            tested.top1_ppm,
                            tested.top1_before_fine_tune_mean,
                            tested.images_sum,
                            tested.correct_sum,
                            tested.params,
                            tested.train_macs,
                            tested.test_macs,
                            tested.train_images_per_second,
                            tested.train_throughput_cv,
                            tested.train_verdict,
                            tested.inference_images_per_second,
                            tested.inference_throughput_cv,
                            tested.inference_verdict,
                            tested.slot_kind,
                            tested.device,
                            tested.threads,
                            tested."precision",
                            tested.fine_tune_layers,
                            tested.recipe_digest,
                            tested.fine_tune_digest,
                            tested.train_measurement_id,
                            tested.inference_measurement_id,
                            tested.variant_id,
                            tested.dataset_id,
                            tested.finished_at
                           FROM (( SELECT variant_results.source,
                                    variant_results.series,
                                    variant_results.model_size,
                                    variant_results.group_size,
                                    variant_results.expansion,
                                    variant_results.norm,
                                    variant_results.width,
                                    variant_results.small_images,
                                    variant_results.dataset,
                                    variant_results.train_images,
                                    variant_results.test_images,
                                    variant_results.train_resolution,
                                    variant_results.test_resolution,
                                    variant_results.native_resolution,
                                    variant_results.half_resolution,
                                    variant_results.seeds,
                                    variant_results.top1_mean,
                                    variant_results.top1_std,
                                    variant_results.top1_ppm,
                                    variant_results.top1_before_fine_tune_mean,
                                    variant_results.images_sum,
                                    variant_results.correct_sum,
                                    variant_results.params,
                                    variant_results.train_macs,
                                    variant_results.test_macs,
                                    variant_results.train_images_per_second,
                                    variant_results.train_throughput_cv,
                                    variant_results.train_verdict,
                                    variant_results.inference_images_per_second,
                                    variant_results.inference_throughput_cv,
                                    variant_results.inference_verdict,
                                    variant_results.slot_kind,
                                    variant_results.device,
                                    variant_results.threads,
                                    variant_results."precision",
                                    variant_results.fine_tune_layers,
                                    variant_results.recipe_digest,
                                    variant_results.fine_tune_digest,
                                    variant_results.train_measurement_id,
                                    variant_results.inference_measurement_id,
                                    variant_results.variant_id,
                                    variant_results.dataset_id,
                                    variant_results.finished_at,
                                    row_number() OVER (PARTITION BY variant_results.source, variant_results.series, variant_results.variant_id, variant_results.dataset, variant_results.dataset_id, variant_results.train_resolution, variant_results.native_resolution, variant_results.half_resolution, variant_results.recipe_digest, variant_results."precision", variant_results.slot_kind, variant_results.device, variant_results.threads, variant_results.fine_tune_digest ORDER BY variant_results.top1_ppm DESC, COALESCE(variant_results.test_resolution, 0)) AS ranking
                                   FROM public.variant_results) tested
                             JOIN ( SELECT 'native'::text AS scenario
                                UNION ALL
                                 SELECT 'best'::text AS scenario
                                UNION ALL
                                 SELECT 'all'::text AS scenario) scenarios ON (((scenarios.scenario = 'all'::text) OR ((scenarios.scenario = 'native'::text) AND (tested.test_resolution = tested.native_resolution)) OR ((scenarios.scenario = 'best'::text) AND (tested.ranking = 1)))))
                          WHERE ((tested.train_images_per_second IS NOT NULL) AND (COALESCE(tested.train_verdict, 'clean'::text) <> 'contended'::text))) candidates) ranked) judged
  WHERE (on_front = 1);
CREATE SEQUENCE public.variants_variant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.variants_variant_id_seq OWNED BY public.variants.variant_id;
ALTER TABLE ONLY public.datasets ALTER COLUMN dataset_id SET DEFAULT nextval('public.datasets_dataset_id_seq'::regclass);
ALTER TABLE ONLY public.measurements ALTER COLUMN measurement_id SET DEFAULT nextval('public.measurements_measurement_id_seq'::regclass);
ALTER TABLE ONLY public.publications ALTER COLUMN publication_id SET DEFAULT nextval('public.publications_publication_id_seq'::regclass);
ALTER TABLE ONLY public.sweeps ALTER COLUMN sweep_id SET DEFAULT nextval('public.sweeps_sweep_id_seq'::regclass);
ALTER TABLE ONLY public.variants ALTER COLUMN variant_id SET DEFAULT nextval('public.variants_variant_id_seq'::regclass);
INSERT INTO public.attempts VALUES ('91313d99d10b90a2fb0ad9d8fc6c19ef', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:06+00', '2026-01-31 12:00:07+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('9b21f3c44c68e8af447e3c125729b95a', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:09+00', '2026-01-31 12:00:10+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('591412aa222cbd4f0636f2c5111dd086', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:12+00', '2026-01-31 12:00:13+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('20ab635838435a022230444b4af8e947', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:15+00', '2026-01-31 12:00:16+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('fc972dfd7609570b976061ca6785bcb0', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:18+00', '2026-01-31 12:00:19+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('b5669c30fc1a2420746c7404a67b2a00', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:21+00', '2026-01-31 12:00:22+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('78556fecb475c77fe3f9e8bf3834ca24', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:24+00', '2026-01-31 12:00:25+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('66fceed7d3534c61588ce8b24a7abe4c', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:27+00', '2026-01-31 12:00:28+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('fcb43a9cb7a9145496ca6c922cf3f0df', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:30+00', '2026-01-31 12:00:31+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('3735ddad1fc56f95399149e2a8924393', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:33+00', '2026-01-31 12:00:34+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('1b0d6fc8dac6c07c6c74de7764344efc', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:36+00', '2026-01-31 12:00:37+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('d40394f32fcd4c6fa5e143cd9f4fc75a', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:39+00', '2026-01-31 12:00:40+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('fa5ea9ceac0033026775145e048dc180', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:42+00', '2026-01-31 12:00:43+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('530a77849db3cae5723b7cf9178bb1c0', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:45+00', '2026-01-31 12:00:46+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('e492d6101e708f27e6e551a05ec6607e', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:49+00', '2026-01-31 12:00:50+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('2ada8b5a123f4768d36abc30fcedbe45', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:53+00', '2026-01-31 12:00:54+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('5fcf79a61dfda11f2d2e2a6f7d5da452', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:57+00', '2026-01-31 12:00:58+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('8c92f20fa06209fb7985ff606ea0b39c', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:01:01+00', '2026-01-31 12:01:02+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('ee35f435f307e4ee714178bc0f38667f', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:01:05+00', '2026-01-31 12:01:06+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('1a5b752923a41341945fd5e02e1c409c', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:01:09+00', '2026-01-31 12:01:10+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('9246ef11410103d59fde9ae7a97c641b', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', '99999999999999999999999999999999', '2026-01-31 12:01:13+00', '2026-01-31 12:01:14+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('572bce09b18b5bf27a375d695f1b75c6', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', '99999999999999999999999999999999', '2026-01-31 12:01:17+00', '2026-01-31 12:01:18+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('a1d1e7445b914bd53da505f67bb061b6', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', '99999999999999999999999999999999', '2026-01-31 12:01:21+00', '2026-01-31 12:01:22+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('15e865ff1c4524b8c5a3df4fe3a65fb9', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', '99999999999999999999999999999999', '2026-01-31 12:01:25+00', '2026-01-31 12:01:26+00', 'done', '', '', '', 'runs/1');
INSERT INTO public.attempts VALUES ('e492d6101e708f27e6e551a05ec6607e', 2, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:01:29+00', '2026-01-31 12:01:30+00', 'done', '', '', '', 'runs/2');
INSERT INTO public.attempts VALUES ('b008673f2616b1d7724d7fbe17b8bded', 1, '0c1d665fb73f29761dc6577d49538924', 'cpu/0', 'here', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:01:32+00', '2026-01-31 12:01:33+00', 'failed', 'error', 'it is broken', '', 'runs/1');
INSERT INTO public.datasets VALUES (1, 'fashion-mnist', 10, 1, 28, 12000, NULL, NULL, 'fa516bdb30c53742e65887d50961f76f');
INSERT INTO public.datasets VALUES (2, 'fashion-mnist', 10, 1, 28, NULL, 1000, NULL, '4d3d2500a4ab144974ebd76a98ba71e4');
INSERT INTO public.drivers VALUES ('0c1d665fb73f29761dc6577d49538924', 'here', 1, 'b', 1.5, '2026-01-31 12:00:01+00', '2026-01-31 12:00:01+00', 0, '2026-01-31 12:01:37+00');
INSERT INTO public.environments VALUES ('cccccccccccccccccccccccccccccccc', 'cpu', 'Xeon', 1, '{"torch": "2.10"}', '{}', '2026-01-31 12:00:02+00');
INSERT INTO public.environments VALUES ('99999999999999999999999999999999', 'cuda', 'H200', 4, '{"torch": "2.10"}', '{}', '2026-01-31 12:00:03+00');
INSERT INTO public.evaluations VALUES ('9b21f3c44c68e8af447e3c125729b95a', 1, '91313d99d10b90a2fb0ad9d8fc6c19ef', 24, '{"layers": "head"}', 'da42ff14d395c2baaf569b328f4d0693', 'head', 10000, 8520, 8370, 0.4, 17280000, 8, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:10+00');
INSERT INTO public.evaluations VALUES ('591412aa222cbd4f0636f2c5111dd086', 1, '91313d99d10b90a2fb0ad9d8fc6c19ef', 28, '{"layers": "head"}', 'da42ff14d395c2baaf569b328f4d0693', 'head', 10000, 8450, 8300, 0.4, 23520000, 8, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:13+00');
INSERT INTO public.evaluations VALUES ('fc972dfd7609570b976061ca6785bcb0', 1, '20ab635838435a022230444b4af8e947', 24, '{"layers": "head"}', 'da42ff14d395c2baaf569b328f4d0693', 'head', 10000, 8531, 8370, 0.4, 17280000, 8, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:19+00');
INSERT INTO public.evaluations VALUES ('b5669c30fc1a2420746c7404a67b2a00', 1, '20ab635838435a022230444b4af8e947', 28, '{"layers": "head"}', 'da42ff14d395c2baaf569b328f4d0693', 'head', 10000, 8461, 8300, 0.4, 23520000, 8, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:22+00');
INSERT INTO public.evaluations VALUES ('66fceed7d3534c61588ce8b24a7abe4c', 1, '78556fecb475c77fe3f9e8bf3834ca24', 24, '{"layers": "head"}', 'da42ff14d395c2baaf569b328f4d0693', 'head', 10000, 8650, 8370, 0.4, 17280000, 8, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:28+00');
INSERT INTO public.evaluations VALUES ('fcb43a9cb7a9145496ca6c922cf3f0df', 1, '78556fecb475c77fe3f9e8bf3834ca24', 28, '{"layers": "head"}', 'da42ff14d395c2baaf569b328f4d0693', 'head', 10000, 8580, 8300, 0.4, 23520000, 8, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:31+00');
INSERT INTO public.evaluations VALUES ('1b0d6fc8dac6c07c6c74de7764344efc', 1, '3735ddad1fc56f95399149e2a8924393', 24, '{"layers": "head"}', 'da42ff14d395c2baaf569b328f4d0693', 'head', 10000, 8661, 8370, 0.4, 17280000, 8, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:37+00');
INSERT INTO public.evaluations VALUES ('d40394f32fcd4c6fa5e143cd9f4fc75a', 1, '3735ddad1fc56f95399149e2a8924393', 28, '{"layers": "head"}', 'da42ff14d395c2baaf569b328f4d0693', 'head', 10000, 8591, 8300, 0.4, 23520000, 8, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:40+00');
INSERT INTO public.evaluations VALUES ('530a77849db3cae5723b7cf9178bb1c0', 1, 'fa5ea9ceac0033026775145e048dc180', 28, '{"layers": "none"}', 'df390be190b1f510e91457f7a6df0bd7', 'none', 1000, 871, 871, 0.4, 20000000, 8, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:46+00');
INSERT INTO public.frontsweep_alembic_version VALUES ('0001');
INSERT INTO public.jobs VALUES ('91313d99d10b90a2fb0ad9d8fc6c19ef', 'train', 'job (''train'', (''plain'', 0))', '{"n": "(''train'', (''plain'', 0))"}', NULL, NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:05+00', '2026-01-31 12:00:07+00', '2026-01-31 12:00:06+00', '2026-01-31 12:00:07+00', 1, '');
INSERT INTO public.jobs VALUES ('9b21f3c44c68e8af447e3c125729b95a', 'evaluate', 'job (''evaluate'', ''91313d99d10b90a2fb0ad9d8fc6c19ef'', [(''correct'', 8520), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])', '{"n": "(''evaluate'', ''91313d99d10b90a2fb0ad9d8fc6c19ef'', [(''correct'', 8520), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])"}', '91313d99d10b90a2fb0ad9d8fc6c19ef', NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:08+00', '2026-01-31 12:00:10+00', '2026-01-31 12:00:09+00', '2026-01-31 12:00:10+00', 1, '');
INSERT INTO public.jobs VALUES ('591412aa222cbd4f0636f2c5111dd086', 'evaluate', 'job (''evaluate'', ''91313d99d10b90a2fb0ad9d8fc6c19ef'', [(''correct'', 8450), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])', '{"n": "(''evaluate'', ''91313d99d10b90a2fb0ad9d8fc6c19ef'', [(''correct'', 8450), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])"}', '91313d99d10b90a2fb0ad9d8fc6c19ef', NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:11+00', '2026-01-31 12:00:13+00', '2026-01-31 12:00:12+00', '2026-01-31 12:00:13+00', 1, '');
INSERT INTO public.jobs VALUES ('20ab635838435a022230444b4af8e947', 'train', 'job (''train'', (''plain'', 1))', '{"n": "(''train'', (''plain'', 1))"}', NULL, NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:14+00', '2026-01-31 12:00:16+00', '2026-01-31 12:00:15+00', '2026-01-31 12:00:16+00', 1, '');
INSERT INTO public.jobs VALUES ('fc972dfd7609570b976061ca6785bcb0', 'evaluate', 'job (''evaluate'', ''20ab635838435a022230444b4af8e947'', [(''correct'', 8531), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])', '{"n": "(''evaluate'', ''20ab635838435a022230444b4af8e947'', [(''correct'', 8531), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])"}', '20ab635838435a022230444b4af8e947', NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:17+00', '2026-01-31 12:00:19+00', '2026-01-31 12:00:18+00', '2026-01-31 12:00:19+00', 1, '');
INSERT INTO public.jobs VALUES ('b5669c30fc1a2420746c7404a67b2a00', 'evaluate', 'job (''evaluate'', ''20ab635838435a022230444b4af8e947'', [(''correct'', 8461), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])', '{"n": "(''evaluate'', ''20ab635838435a022230444b4af8e947'', [(''correct'', 8461), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])"}', '20ab635838435a022230444b4af8e947', NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:20+00', '2026-01-31 12:00:22+00', '2026-01-31 12:00:21+00', '2026-01-31 12:00:22+00', 1, '');
INSERT INTO public.jobs VALUES ('78556fecb475c77fe3f9e8bf3834ca24', 'train', 'job (''train'', (''proxy'', 0))', '{"n": "(''train'', (''proxy'', 0))"}', NULL, NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:23+00', '2026-01-31 12:00:25+00', '2026-01-31 12:00:24+00', '2026-01-31 12:00:25+00', 1, '');
INSERT INTO public.jobs VALUES ('66fceed7d3534c61588ce8b24a7abe4c', 'evaluate', 'job (''evaluate'', ''78556fecb475c77fe3f9e8bf3834ca24'', [(''correct'', 8650), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])', '{"n": "(''evaluate'', ''78556fecb475c77fe3f9e8bf3834ca24'', [(''correct'', 8650), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])"}', '78556fecb475c77fe3f9e8bf3834ca24', NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:26+00', '2026-01-31 12:00:28+00', '2026-01-31 12:00:27+00', '2026-01-31 12:00:28+00', 1, '');
INSERT INTO public.jobs VALUES ('fcb43a9cb7a9145496ca6c922cf3f0df', 'evaluate', 'job (''evaluate'', ''78556fecb475c77fe3f9e8bf3834ca24'', [(''correct'', 8580), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])', '{"n": "(''evaluate'', ''78556fecb475c77fe3f9e8bf3834ca24'', [(''correct'', 8580), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])"}', '78556fecb475c77fe3f9e8bf3834ca24', NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:29+00', '2026-01-31 12:00:31+00', '2026-01-31 12:00:30+00', '2026-01-31 12:00:31+00', 1, '');
INSERT INTO public.jobs VALUES ('3735ddad1fc56f95399149e2a8924393', 'train', 'job (''train'', (''proxy'', 1))', '{"n": "(''train'', (''proxy'', 1))"}', NULL, NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:32+00', '2026-01-31 12:00:34+00', '2026-01-31 12:00:33+00', '2026-01-31 12:00:34+00', 1, '');
INSERT INTO public.jobs VALUES ('1b0d6fc8dac6c07c6c74de7764344efc', 'evaluate', 'job (''evaluate'', ''3735ddad1fc56f95399149e2a8924393'', [(''correct'', 8661), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])', '{"n": "(''evaluate'', ''3735ddad1fc56f95399149e2a8924393'', [(''correct'', 8661), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])"}', '3735ddad1fc56f95399149e2a8924393', NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:35+00', '2026-01-31 12:00:37+00', '2026-01-31 12:00:36+00', '2026-01-31 12:00:37+00', 1, '');
INSERT INTO public.jobs VALUES ('d40394f32fcd4c6fa5e143cd9f4fc75a', 'evaluate', 'job (''evaluate'', ''3735ddad1fc56f95399149e2a8924393'', [(''correct'', 8591), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])', '{"n": "(''evaluate'', ''3735ddad1fc56f95399149e2a8924393'', [(''correct'', 8591), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])"}', '3735ddad1fc56f95399149e2a8924393', NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:38+00', '2026-01-31 12:00:40+00', '2026-01-31 12:00:39+00', '2026-01-31 12:00:40+00', 1, '');
INSERT INTO public.jobs VALUES ('fa5ea9ceac0033026775145e048dc180', 'train', 'job (''train'', ''all of it'')', '{"n": "(''train'', ''all of it'')"}', NULL, NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:41+00', '2026-01-31 12:00:43+00', '2026-01-31 12:00:42+00', '2026-01-31 12:00:43+00', 1, '');
INSERT INTO public.jobs VALUES ('530a77849db3cae5723b7cf9178bb1c0', 'evaluate', 'job (''evaluate'', ''fa5ea9ceac0033026775145e048dc180'', [(''correct'', 871), (''correct_before_fine_tune'', 871), (''fine_tune'', {''layers'': ''none''}), (''fine_tune_digest'', ''df390be190b1f510e91457f7a6df0bd7''), (''fine_tune_layers'', ''none''), (''images'', 1000)])', '{"n": "(''evaluate'', ''fa5ea9ceac0033026775145e048dc180'', [(''correct'', 871), (''correct_before_fine_tune'', 871), (''fine_tune'', {''layers'': ''none''}), (''fine_tune_digest'', ''df390be190b1f510e91457f7a6df0bd7''), (''fine_tune_layers'', ''none''), (''images'', 1000)])"}', 'fa5ea9ceac0033026775145e048dc180', NULL, 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:44+00', '2026-01-31 12:00:46+00', '2026-01-31 12:00:45+00', '2026-01-31 12:00:46+00', 1, '');
INSERT INTO public.jobs VALUES ('2ada8b5a123f4768d36abc30fcedbe45', 'measure', 'job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}', NULL, 'cccccccccccccccccccccccccccccccc', 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:51+00', '2026-01-31 12:00:54+00', '2026-01-31 12:00:53+00', '2026-01-31 12:00:54+00', 1, '');
INSERT INTO public.jobs VALUES ('e492d6101e708f27e6e551a05ec6607e', 'measure', 'job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}', NULL, 'cccccccccccccccccccccccccccccccc', 'done', '', 2, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:47+00', '2026-01-31 12:01:30+00', '2026-01-31 12:01:29+00', '2026-01-31 12:01:30+00', 1, '');
INSERT INTO public.jobs VALUES ('5fcf79a61dfda11f2d2e2a6f7d5da452', 'measure', 'job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 28), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 28), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}', NULL, 'cccccccccccccccccccccccccccccccc', 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:55+00', '2026-01-31 12:00:58+00', '2026-01-31 12:00:57+00', '2026-01-31 12:00:58+00', 1, '');
INSERT INTO public.jobs VALUES ('8c92f20fa06209fb7985ff606ea0b39c', 'measure', 'job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}', NULL, 'cccccccccccccccccccccccccccccccc', 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:00:59+00', '2026-01-31 12:01:02+00', '2026-01-31 12:01:01+00', '2026-01-31 12:01:02+00', 1, '');
INSERT INTO public.jobs VALUES ('ee35f435f307e4ee714178bc0f38667f', 'measure', 'job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}', NULL, 'cccccccccccccccccccccccccccccccc', 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:01:03+00', '2026-01-31 12:01:06+00', '2026-01-31 12:01:05+00', '2026-01-31 12:01:06+00', 1, '');
INSERT INTO public.jobs VALUES ('1a5b752923a41341945fd5e02e1c409c', 'measure', 'job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 28), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 28), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}', NULL, 'cccccccccccccccccccccccccccccccc', 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:01:07+00', '2026-01-31 12:01:10+00', '2026-01-31 12:01:09+00', '2026-01-31 12:01:10+00', 1, '');
INSERT INTO public.jobs VALUES ('9246ef11410103d59fde9ae7a97c641b', 'measure', 'job (''measure'', '''', ''99999999999999999999999999999999'', [(''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''99999999999999999999999999999999'', [(''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}', NULL, '99999999999999999999999999999999', 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:01:11+00', '2026-01-31 12:01:14+00', '2026-01-31 12:01:13+00', '2026-01-31 12:01:14+00', 1, '');
INSERT INTO public.jobs VALUES ('572bce09b18b5bf27a375d695f1b75c6', 'measure', 'job (''measure'', '''', ''99999999999999999999999999999999'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''99999999999999999999999999999999'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}', NULL, '99999999999999999999999999999999', 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:01:15+00', '2026-01-31 12:01:18+00', '2026-01-31 12:01:17+00', '2026-01-31 12:01:18+00', 1, '');
INSERT INTO public.jobs VALUES ('a1d1e7445b914bd53da505f67bb061b6', 'measure', 'job (''measure'', '''', ''99999999999999999999999999999999'', [(''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''99999999999999999999999999999999'', [(''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}', NULL, '99999999999999999999999999999999', 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:01:19+00', '2026-01-31 12:01:22+00', '2026-01-31 12:01:21+00', '2026-01-31 12:01:22+00', 1, '');
INSERT INTO public.jobs VALUES ('15e865ff1c4524b8c5a3df4fe3a65fb9', 'measure', 'job (''measure'', '''', ''99999999999999999999999999999999'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])', '{"n": "(''measure'', '''', ''99999999999999999999999999999999'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}', NULL, '99999999999999999999999999999999', 'done', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:01:23+00', '2026-01-31 12:01:26+00', '2026-01-31 12:01:25+00', '2026-01-31 12:01:26+00', 1, '');
INSERT INTO public.jobs VALUES ('08909684136ae65e2fc8dc76411723b9', 'train', 'job never run', '{"n": "never run"}', NULL, NULL, 'queued', '', 0, NULL, NULL, 0, 0, NULL, '2026-01-31 12:01:31+00', '2026-01-31 12:01:31+00', NULL, NULL, 0, '');
INSERT INTO public.jobs VALUES ('b008673f2616b1d7724d7fbe17b8bded', 'train', 'job failed', '{"n": "failed"}', NULL, NULL, 'failed', '', 1, NULL, NULL, 0, 0, NULL, '2026-01-31 12:01:31+00', '2026-01-31 12:01:33+00', '2026-01-31 12:01:32+00', '2026-01-31 12:01:33+00', 0, '');
INSERT INTO public.measurements VALUES (1, 'e492d6101e708f27e6e551a05ec6607e', 1, 1, 1, 10, 'train', 20, 'fp32', 'rmsprop', NULL, 128, 'channels_last', 500, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:50+00');
INSERT INTO public.measurements VALUES (2, '2ada8b5a123f4768d36abc30fcedbe45', 1, 1, 1, 10, 'inference', 24, 'fp32', NULL, NULL, 128, 'channels_last', 1250, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:54+00');
INSERT INTO public.measurements VALUES (3, '5fcf79a61dfda11f2d2e2a6f7d5da452', 1, 1, 1, 10, 'inference', 28, 'fp32', NULL, NULL, 128, 'channels_last', 1071.4285714285713, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:58+00');
INSERT INTO public.measurements VALUES (4, '8c92f20fa06209fb7985ff606ea0b39c', 1, 2, 1, 10, 'train', 20, 'fp32', 'rmsprop', NULL, 128, 'channels_last', 900, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:01:02+00');
INSERT INTO public.measurements VALUES (5, 'ee35f435f307e4ee714178bc0f38667f', 1, 2, 1, 10, 'inference', 24, 'fp32', NULL, NULL, 128, 'channels_last', 2250, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:01:06+00');
INSERT INTO public.measurements VALUES (6, '1a5b752923a41341945fd5e02e1c409c', 1, 2, 1, 10, 'inference', 28, 'fp32', NULL, NULL, 128, 'channels_last', 1928.5714285714287, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:01:10+00');
INSERT INTO public.measurements VALUES (7, '9246ef11410103d59fde9ae7a97c641b', 1, 1, 1, 10, 'train', 20, 'fp32', 'rmsprop', NULL, 128, 'channels_last', 15000, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', '99999999999999999999999999999999', '2026-01-31 12:01:14+00');
INSERT INTO public.measurements VALUES (8, '572bce09b18b5bf27a375d695f1b75c6', 1, 1, 1, 10, 'inference', 24, 'fp32', NULL, NULL, 128, 'channels_last', 37500, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', '99999999999999999999999999999999', '2026-01-31 12:01:18+00');
INSERT INTO public.measurements VALUES (9, 'a1d1e7445b914bd53da505f67bb061b6', 1, 2, 1, 10, 'train', 20, 'fp32', 'rmsprop', NULL, 128, 'channels_last', 27000, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', '99999999999999999999999999999999', '2026-01-31 12:01:22+00');
INSERT INTO public.measurements VALUES (10, '15e865ff1c4524b8c5a3df4fe3a65fb9', 1, 2, 1, 10, 'inference', 24, 'fp32', NULL, NULL, 128, 'channels_last', 67500, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'clean', '', '{"load": 0.1}', '99999999999999999999999999999999', '2026-01-31 12:01:26+00');
INSERT INTO public.measurements VALUES (11, 'e492d6101e708f27e6e551a05ec6607e', 2, 1, 1, 10, 'train', 20, 'fp32', 'rmsprop', NULL, 128, 'channels_last', 100, 990, 1010, 0.01, 3, 12000000, 450000, NULL, 'contended', 'others used the processors', '{"load": 0.1}', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:01:30+00');
INSERT INTO public.publications VALUES (1, 'paper', 'imagenet', '2026-01-31 12:01:34+00');
INSERT INTO public.published_results VALUES (1, 0, 'G1-GN-Baseline', 3, 224, 224, 224, 160, false, 761600, 5290000, 397000000, 26400, NULL, NULL, 'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO public.published_results VALUES (1, 1, 'G1-GN-Baseline', 4, 240, 240, NULL, NULL, false, 782300, 7790000, 697000000, 14600, NULL, NULL, 'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO public.published_results VALUES (1, 2, 'G1-GN-Baseline', 5, 260, 260, NULL, NULL, false, 792100, 9110000, 994000000, 12600, NULL, NULL, 'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO public.published_results VALUES (1, 3, 'G1-GN-Baseline', 6, 300, 300, NULL, NULL, false, 806500, 12230000, 1830000000, 6930, NULL, NULL, 'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO public.published_results VALUES (1, 4, 'G1-GN-Baseline', 7, 380, 380, NULL, NULL, false, 819800, 19340000, 4400000000, 2730, NULL, NULL, 'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO public.published_results VALUES (1, 5, 'G1-GN-Baseline', 8, 456, 456, NULL, NULL, false, 828400, 30390000, 10200000000, 1270, NULL, NULL, 'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO public.samples VALUES (1, 0, 1000, 1);
INSERT INTO public.samples VALUES (1, 1, 1010, 1);
INSERT INTO public.samples VALUES (2, 0, 1000, 1);
INSERT INTO public.samples VALUES (2, 1, 1010, 1);
INSERT INTO public.samples VALUES (3, 0, 1000, 1);
INSERT INTO public.samples VALUES (3, 1, 1010, 1);
INSERT INTO public.samples VALUES (4, 0, 1000, 1);
INSERT INTO public.samples VALUES (4, 1, 1010, 1);
INSERT INTO public.samples VALUES (5, 0, 1000, 1);
INSERT INTO public.samples VALUES (5, 1, 1010, 1);
INSERT INTO public.samples VALUES (6, 0, 1000, 1);
INSERT INTO public.samples VALUES (6, 1, 1010, 1);
INSERT INTO public.samples VALUES (7, 0, 1000, 1);
INSERT INTO public.samples VALUES (7, 1, 1010, 1);
INSERT INTO public.samples VALUES (8, 0, 1000, 1);
INSERT INTO public.samples VALUES (8, 1, 1010, 1);
INSERT INTO public.samples VALUES (9, 0, 1000, 1);
INSERT INTO public.samples VALUES (9, 1, 1010, 1);
INSERT INTO public.samples VALUES (10, 0, 1000, 1);
INSERT INTO public.samples VALUES (10, 1, 1010, 1);
INSERT INTO public.samples VALUES (11, 0, 1000, 1);
INSERT INTO public.samples VALUES (11, 1, 1010, 1);
INSERT INTO public.sweep_jobs VALUES (1, '91313d99d10b90a2fb0ad9d8fc6c19ef', 0);
INSERT INTO public.sweep_jobs VALUES (1, '9b21f3c44c68e8af447e3c125729b95a', 1);
INSERT INTO public.sweep_jobs VALUES (1, '591412aa222cbd4f0636f2c5111dd086', 2);
INSERT INTO public.sweep_jobs VALUES (1, '20ab635838435a022230444b4af8e947', 3);
INSERT INTO public.sweep_jobs VALUES (1, 'fc972dfd7609570b976061ca6785bcb0', 4);
INSERT INTO public.sweep_jobs VALUES (1, 'b5669c30fc1a2420746c7404a67b2a00', 5);
INSERT INTO public.sweep_jobs VALUES (1, '78556fecb475c77fe3f9e8bf3834ca24', 6);
INSERT INTO public.sweep_jobs VALUES (1, '66fceed7d3534c61588ce8b24a7abe4c', 7);
INSERT INTO public.sweep_jobs VALUES (1, 'fcb43a9cb7a9145496ca6c922cf3f0df', 8);
INSERT INTO public.sweep_jobs VALUES (1, '3735ddad1fc56f95399149e2a8924393', 9);
INSERT INTO public.sweep_jobs VALUES (1, '1b0d6fc8dac6c07c6c74de7764344efc', 10);
INSERT INTO public.sweep_jobs VALUES (1, 'd40394f32fcd4c6fa5e143cd9f4fc75a', 11);
INSERT INTO public.sweep_jobs VALUES (1, 'fa5ea9ceac0033026775145e048dc180', 12);
INSERT INTO public.sweep_jobs VALUES (1, '530a77849db3cae5723b7cf9178bb1c0', 13);
INSERT INTO public.sweep_jobs VALUES (1, 'e492d6101e708f27e6e551a05ec6607e', 14);
INSERT INTO public.sweep_jobs VALUES (1, '2ada8b5a123f4768d36abc30fcedbe45', 15);
INSERT INTO public.sweep_jobs VALUES (1, '5fcf79a61dfda11f2d2e2a6f7d5da452', 16);
INSERT INTO public.sweep_jobs VALUES (1, '8c92f20fa06209fb7985ff606ea0b39c', 17);
INSERT INTO public.sweep_jobs VALUES (1, 'ee35f435f307e4ee714178bc0f38667f', 18);
INSERT INTO public.sweep_jobs VALUES (1, '1a5b752923a41341945fd5e02e1c409c', 19);
INSERT INTO public.sweep_jobs VALUES (1, '9246ef11410103d59fde9ae7a97c641b', 20);
INSERT INTO public.sweep_jobs VALUES (1, '572bce09b18b5bf27a375d695f1b75c6', 21);
INSERT INTO public.sweep_jobs VALUES (1, 'a1d1e7445b914bd53da505f67bb061b6', 22);
INSERT INTO public.sweep_jobs VALUES (1, '15e865ff1c4524b8c5a3df4fe3a65fb9', 23);
INSERT INTO public.sweep_jobs VALUES (1, '08909684136ae65e2fc8dc76411723b9', 24);
INSERT INTO public.sweep_jobs VALUES (1, 'b008673f2616b1d7724d7fbe17b8bded', 25);
INSERT INTO public.sweeps VALUES (1, 'fashion', 'name: x', 'd', 'failed', NULL, 'artifacts', '2026-01-31 12:00:04+00', '2026-01-31 12:01:37+00', '2026-01-31 12:01:35+00');
INSERT INTO public.trainings VALUES ('91313d99d10b90a2fb0ad9d8fc6c19ef', 1, 1, 1, 20, 28, 20, 0, 'fp32', 'rmsprop', '{"epochs": 4}', '966deb0fd6f3fceb6ba55e449ee4c488', 450000, 12000000, 4, 0.7, 48000, 31.5, 'weights.pt', 'abababababababababababababababababababababababababababababababab', 1900000, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:07+00');
INSERT INTO public.trainings VALUES ('20ab635838435a022230444b4af8e947', 1, 1, 1, 20, 28, 20, 1, 'fp32', 'rmsprop', '{"epochs": 4}', '966deb0fd6f3fceb6ba55e449ee4c488', 450000, 12000000, 4, 0.7, 48000, 31.5, 'weights.pt', 'abababababababababababababababababababababababababababababababab', 1900000, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:16+00');
INSERT INTO public.trainings VALUES ('78556fecb475c77fe3f9e8bf3834ca24', 1, 2, 1, 20, 28, 20, 0, 'fp32', 'rmsprop', '{"epochs": 4}', '966deb0fd6f3fceb6ba55e449ee4c488', 450000, 12000000, 4, 0.7, 48000, 31.5, 'weights.pt', 'abababababababababababababababababababababababababababababababab', 1900000, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:25+00');
INSERT INTO public.trainings VALUES ('3735ddad1fc56f95399149e2a8924393', 1, 2, 1, 20, 28, 20, 1, 'fp32', 'rmsprop', '{"epochs": 4}', '966deb0fd6f3fceb6ba55e449ee4c488', 450000, 12000000, 4, 0.7, 48000, 31.5, 'weights.pt', 'abababababababababababababababababababababababababababababababab', 1900000, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:34+00');
INSERT INTO public.trainings VALUES ('fa5ea9ceac0033026775145e048dc180', 1, 2, 2, 28, 28, 20, 0, 'fp32', 'rmsprop', '{"epochs": 4}', '966deb0fd6f3fceb6ba55e449ee4c488', 450000, 12000000, 4, 0.7, 48000, 31.5, 'weights.pt', 'abababababababababababababababababababababababababababababababab', 1900000, 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 'cccccccccccccccccccccccccccccccc', '2026-01-31 12:00:43+00');
INSERT INTO public.variants VALUES (1, 'b0', 1, 6, 'gn', 0.25, true);
INSERT INTO public.variants VALUES (2, 'b0', 16, 4, 'ln+pn', 0.25, true);
INSERT INTO public.variants VALUES (3, 'b0', 1, 6, 'gn', 1, false);
INSERT INTO public.variants VALUES (4, 'b1', 1, 6, 'gn', 1, false);
INSERT INTO public.variants VALUES (5, 'b2', 1, 6, 'gn', 1, false);
INSERT INTO public.variants VALUES (6, 'b3', 1, 6, 'gn', 1, false);
INSERT INTO public.variants VALUES (7, 'b4', 1, 6, 'gn', 1, false);
INSERT INTO public.variants VALUES (8, 'b5', 1, 6, 'gn', 1, false);
SELECT pg_catalog.setval('public.datasets_dataset_id_seq', 2, true);
SELECT pg_catalog.setval('public.measurements_measurement_id_seq', 11, true);
SELECT pg_catalog.setval('public.publications_publication_id_seq', 1, true);
SELECT pg_catalog.setval('public.sweeps_sweep_id_seq', 1, true);
SELECT pg_catalog.setval('public.variants_variant_id_seq', 8, true);
ALTER TABLE ONLY public.frontsweep_alembic_version
    ADD CONSTRAINT frontsweep_alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT pk_attempts PRIMARY KEY (fingerprint, attempt);
ALTER TABLE ONLY public.datasets
    ADD CONSTRAINT pk_datasets PRIMARY KEY (dataset_id);
ALTER TABLE ONLY public.drivers
    ADD CONSTRAINT pk_drivers PRIMARY KEY (driver_id);
ALTER TABLE ONLY public.environments
    ADD CONSTRAINT pk_environments PRIMARY KEY (environment_key);
ALTER TABLE ONLY public.epochs
    ADD CONSTRAINT pk_epochs PRIMARY KEY (fingerprint, attempt, epoch);
ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT pk_evaluations PRIMARY KEY (fingerprint);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (fingerprint);
ALTER TABLE ONLY public.measurements
    ADD CONSTRAINT pk_measurements PRIMARY KEY (measurement_id);
ALTER TABLE ONLY public.publications
    ADD CONSTRAINT pk_publications PRIMARY KEY (publication_id);
ALTER TABLE ONLY public.published_results
    ADD CONSTRAINT pk_published_results PRIMARY KEY (publication_id, ordinal);
ALTER TABLE ONLY public.samples
    ADD CONSTRAINT pk_samples PRIMARY KEY (measurement_id, ordinal);
ALTER TABLE ONLY public.sweep_jobs
    ADD CONSTRAINT pk_sweep_jobs PRIMARY KEY (sweep_id, fingerprint);
ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT pk_sweeps PRIMARY KEY (sweep_id);
ALTER TABLE ONLY public.trainings
    ADD CONSTRAINT pk_trainings PRIMARY KEY (fingerprint);
ALTER TABLE ONLY public.variants
    ADD CONSTRAINT pk_variants PRIMARY KEY (variant_id);
ALTER TABLE ONLY public.datasets
    ADD CONSTRAINT uq_datasets_digest UNIQUE (digest);
ALTER TABLE ONLY public.measurements
    ADD CONSTRAINT uq_measurements_fingerprint_attempt UNIQUE (fingerprint, attempt);
ALTER TABLE ONLY public.publications
    ADD CONSTRAINT uq_publications_name UNIQUE (name);
ALTER TABLE ONLY public.sweep_jobs
    ADD CONSTRAINT uq_sweep_jobs_sweep_id_ordinal UNIQUE (sweep_id, ordinal);
ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT uq_sweeps_name UNIQUE (name);
ALTER TABLE ONLY public.variants
    ADD CONSTRAINT uq_variants_model_size_group_size_expansion_norm_width__588d UNIQUE (model_size, group_size, expansion, norm, width, small_images);
CREATE INDEX ix_attempts_driver_id ON public.attempts USING btree (driver_id);
CREATE INDEX ix_evaluations_training ON public.evaluations USING btree (training);
CREATE INDEX ix_jobs_changed_at ON public.jobs USING btree (changed_at);
CREATE INDEX ix_jobs_depends_on ON public.jobs USING btree (depends_on);
CREATE INDEX ix_jobs_driver_id ON public.jobs USING btree (driver_id);
CREATE INDEX ix_jobs_state ON public.jobs USING btree (state);
CREATE INDEX ix_measurements_variant_id_mode_resolution ON public.measurements USING btree (variant_id, mode, resolution);
CREATE INDEX ix_sweep_jobs_fingerprint ON public.sweep_jobs USING btree (fingerprint);
CREATE INDEX ix_sweeps_driver_id ON public.sweeps USING btree (driver_id);
CREATE INDEX ix_trainings_variant_id ON public.trainings USING btree (variant_id);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT fk_attempts_driver_id FOREIGN KEY (driver_id) REFERENCES public.drivers(driver_id);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT fk_attempts_environment_key FOREIGN KEY (environment_key) REFERENCES public.environments(environment_key);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT fk_attempts_fingerprint FOREIGN KEY (fingerprint) REFERENCES public.jobs(fingerprint);
ALTER TABLE ONLY public.epochs
    ADD CONSTRAINT fk_epochs_fingerprint_attempt FOREIGN KEY (fingerprint, attempt) REFERENCES public.attempts(fingerprint, attempt);
ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT fk_evaluations_environment_key FOREIGN KEY (environment_key) REFERENCES public.environments(environment_key);
ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT fk_evaluations_fingerprint_attempt FOREIGN KEY (fingerprint, attempt) REFERENCES public.attempts(fingerprint, attempt);
ALTER TABLE ONLY public.evaluations
    ADD CONSTRAINT fk_evaluations_training FOREIGN KEY (training) REFERENCES public.trainings(fingerprint);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_depends_on FOREIGN KEY (depends_on) REFERENCES public.jobs(fingerprint) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_driver_id FOREIGN KEY (driver_id) REFERENCES public.drivers(driver_id);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_environment_key FOREIGN KEY (environment_key) REFERENCES public.environments(environment_key);
ALTER TABLE ONLY public.measurements
    ADD CONSTRAINT fk_measurements_environment_key FOREIGN KEY (environment_key) REFERENCES public.environments(environment_key);
ALTER TABLE ONLY public.measurements
    ADD CONSTRAINT fk_measurements_fingerprint_attempt FOREIGN KEY (fingerprint, attempt) REFERENCES public.attempts(fingerprint, attempt);
ALTER TABLE ONLY public.measurements
    ADD CONSTRAINT fk_measurements_variant_id FOREIGN KEY (variant_id) REFERENCES public.variants(variant_id);
ALTER TABLE ONLY public.published_results
    ADD CONSTRAINT fk_published_results_publication_id FOREIGN KEY (publication_id) REFERENCES public.publications(publication_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.published_results
    ADD CONSTRAINT fk_published_results_variant_id FOREIGN KEY (variant_id) REFERENCES public.variants(variant_id);
ALTER TABLE ONLY public.samples
    ADD CONSTRAINT fk_samples_measurement_id FOREIGN KEY (measurement_id) REFERENCES public.measurements(measurement_id);
ALTER TABLE ONLY public.sweep_jobs
    ADD CONSTRAINT fk_sweep_jobs_fingerprint FOREIGN KEY (fingerprint) REFERENCES public.jobs(fingerprint);
ALTER TABLE ONLY public.sweep_jobs
    ADD CONSTRAINT fk_sweep_jobs_sweep_id FOREIGN KEY (sweep_id) REFERENCES public.sweeps(sweep_id);
ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT fk_sweeps_driver_id FOREIGN KEY (driver_id) REFERENCES public.drivers(driver_id);
ALTER TABLE ONLY public.trainings
    ADD CONSTRAINT fk_trainings_dataset_id FOREIGN KEY (dataset_id) REFERENCES public.datasets(dataset_id);
ALTER TABLE ONLY public.trainings
    ADD CONSTRAINT fk_trainings_environment_key FOREIGN KEY (environment_key) REFERENCES public.environments(environment_key);
ALTER TABLE ONLY public.trainings
    ADD CONSTRAINT fk_trainings_fingerprint_attempt FOREIGN KEY (fingerprint, attempt) REFERENCES public.attempts(fingerprint, attempt);
ALTER TABLE ONLY public.trainings
    ADD CONSTRAINT fk_trainings_variant_id FOREIGN KEY (variant_id) REFERENCES public.variants(variant_id);
