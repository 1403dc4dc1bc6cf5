"""Named queries for people: what is asked of the results most often, as SQL that one can copy and change.

Each is one SELECT of the views (docs/views.md) wherever they suffice, runs unchanged on SQLite and Postgres and gives
the same rows there. Hence the spelling: ``CAST(… AS DOUBLE PRECISION)`` where whole numbers are divided, no rounding
and no times (the engines show them differently), ``COALESCE`` where NULL is to equal NULL, and numbers before text in
every ``ORDER BY`` (engines sort text differently).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from db.errors import UnknownNameError
from db.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named query.

    Attributes:
        name: As it is asked for.
        question: What it answers, in one line.
        sql: One SELECT; constants that one may want to change say so in a comment.
    """

    name: str
    question: str
    sql: str


def recipe(name: str) -> Recipe:
    """Return the recipe of a name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in RECIPES:
        raise UnknownNameError(f"there is no recipe {name!r}", did_you_mean(name, RECIPES).capitalize())
    return RECIPES[name]


_BEST_PER_DEVICE = Recipe(
    "best-per-device",
    "The most accurate network on each device and data set, at its best test resolution, and how fast it is there",
    """\
WITH ranked AS (
  SELECT source, dataset, device, precision, series, model_size, width, train_resolution, test_resolution, top1_mean,
         seeds, train_images_per_second, inference_images_per_second,
         ROW_NUMBER() OVER (
           PARTITION BY source, dataset, slot_kind, device, threads, precision
           ORDER BY top1_ppm DESC, COALESCE(inference_images_per_second, train_images_per_second, 0) DESC, variant_id
         ) AS place
  FROM variant_results
)
SELECT source, dataset, device, precision, series, model_size, width, train_resolution, test_resolution, top1_mean,
       seeds, train_images_per_second, inference_images_per_second
FROM ranked
WHERE place = 1
ORDER BY top1_mean DESC, device, dataset;
""",
)

_PN_OVER_GN = Recipe(
    "pn-over-gn",
    "What proxy normalisation brings over group norm at equal size, resolutions, recipe and device: accuracy and speed",
    """\
SELECT pn.dataset, pn.device, pn.model_size, pn.width, pn.group_size, pn.train_resolution, pn.test_resolution, pn.norm,
       gn.top1_mean AS top1_gn, pn.top1_mean AS top1_pn, pn.top1_mean - gn.top1_mean AS gain,
       pn.train_images_per_second / gn.train_images_per_second AS train_speed_ratio,
       pn.inference_images_per_second / gn.inference_images_per_second AS inference_speed_ratio
FROM variant_results AS pn
JOIN variant_results AS gn
  ON gn.norm = 'gn' AND pn.norm IN ('gn+pn', 'ln+pn')
 AND gn.source = pn.source AND gn.dataset = pn.dataset AND COALESCE(gn.dataset_id, 0) = COALESCE(pn.dataset_id, 0)
 AND gn.model_size = pn.model_size AND gn.width = pn.width AND gn.small_images = pn.small_images
 AND gn.group_size = pn.group_size AND gn.expansion = pn.expansion
 AND gn.train_resolution = pn.train_resolution
 AND COALESCE(gn.test_resolution, 0) = COALESCE(pn.test_resolution, 0)
 AND COALESCE(gn.recipe_digest, '') = COALESCE(pn.recipe_digest, '')
 AND COALESCE(gn.fine_tune_digest, '') = COALESCE(pn.fine_tune_digest, '')
 AND COALESCE(gn.precision, '') = COALESCE(pn.precision, '')
 AND COALESCE(gn.device, '') = COALESCE(pn.device, '') AND COALESCE(gn.threads, 0) = COALESCE(pn.threads, 0)
ORDER BY gain DESC, pn.group_size, pn.train_resolution, pn.test_resolution, pn.model_size, pn.norm, pn.device;
""",
)

_HALF_VS_NATIVE = Recipe(
    "half-vs-native",
    "Training at half the pixels against the native resolution, same network, each at its best test resolution",
    """\
WITH tested AS (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY source, dataset, COALESCE(dataset_id, 0), variant_id, train_resolution, COALESCE(recipe_digest, ''),
                 COALESCE(precision, ''), COALESCE(device, ''), COALESCE(threads, 0)
    ORDER BY COALESCE(validation_ppm, top1_ppm) DESC, COALESCE(test_resolution, 0)
  ) AS place
  FROM variant_results
),
best AS (SELECT * FROM tested WHERE place = 1)
SELECT native.dataset, native.device, native.model_size, native.width, native.group_size, native.norm,
       native.train_resolution AS native_resolution, half.train_resolution AS half_resolution,
       half.test_resolution AS half_test_resolution,
       native.top1_mean AS top1_native, half.top1_mean AS top1_half, half.top1_mean - native.top1_mean AS difference,
       half.train_images_per_second / native.train_images_per_second AS train_speed_ratio
FROM best AS native
JOIN best AS half
  ON native.train_resolution = native.native_resolution AND half.train_resolution = half.half_resolution
 AND half.train_resolution < native.train_resolution
 AND half.source = native.source AND half.dataset = native.dataset AND half.variant_id = native.variant_id
 AND COALESCE(half.dataset_id, 0) = COALESCE(native.dataset_id, 0)
 AND COALESCE(half.recipe_digest, '') = COALESCE(native.recipe_digest, '')
 AND COALESCE(half.precision, '') = COALESCE(native.precision, '')
 AND COALESCE(half.device, '') = COALESCE(native.device, '')
 AND COALESCE(half.threads, 0) = COALESCE(native.threads, 0)
ORDER BY difference DESC, native.group_size, native.model_size, native.norm, native.device;
""",
)

_CHEAPEST_ABOVE = Recipe(
    "cheapest-above-accuracy",
    "Of the networks above a top-1, those that classify fastest on each device, with what they cost to train",
    """\
SELECT device, precision, series, model_size, width, test_resolution, top1_mean, inference_images_per_second,
       inference_verdict, test_macs, params, train_images_per_second
FROM variant_results
WHERE top1_mean >= 80  -- percent: change it
  AND inference_images_per_second IS NOT NULL
  AND COALESCE(inference_verdict, 'clean') = 'clean'
ORDER BY inference_images_per_second DESC, top1_mean DESC, device, series
LIMIT 20;
""",
)

_TRAINING_FRONT = Recipe(
    "training-front",
    "The training front of every device: networks that no other one beats in both accuracy and training throughput",
    """\
SELECT source, dataset, device, precision, series, model_size, width, train_resolution, test_resolution, top1_mean,
       top1_std, seeds, images_per_second, train_verdict
FROM training_front
WHERE scenario = 'best'  -- or 'native', 'all'
ORDER BY top1_mean DESC, images_per_second, device, series;
""",
)

_FINE_TUNE_GAIN = Recipe(
    "fine-tune-gain",
    "What fine-tuning at the test resolution brings: the discrepancy between train and test resolution, and its cure",
    """\
SELECT dataset, train_resolution, test_resolution, fine_tune_layers, COUNT(DISTINCT evaluation) AS evaluations,
       AVG(top1_before_fine_tune) AS top1_before, AVG(top1) AS top1_after, AVG(top1 - top1_before_fine_tune) AS gain,
       MIN(top1 - top1_before_fine_tune) AS smallest_gain, MAX(top1 - top1_before_fine_tune) AS largest_gain
FROM results
WHERE source = 'measured'
GROUP BY dataset, train_resolution, test_resolution, fine_tune_layers
ORDER BY train_resolution, test_resolution, gain DESC;
""",
)

_PRACTICE_OVER_THEORY = Recipe(
    "practice-over-theory",
    "How much of the speed that fewer multiply-accumulates promise in training arrives, against depthwise group norm",
    """\
WITH trained AS (
  SELECT DISTINCT source, dataset, model_size, width, small_images, group_size, expansion, norm, series,
         train_resolution, precision, device, threads, train_macs, train_images_per_second
  FROM variant_results
  WHERE train_images_per_second IS NOT NULL AND train_macs IS NOT NULL
)
SELECT one.dataset, one.device, one.series, one.model_size, one.width, one.train_resolution,
       CAST(baseline.train_macs AS DOUBLE PRECISION) / one.train_macs AS theory,
       one.train_images_per_second / baseline.train_images_per_second AS practice,
       one.train_images_per_second / baseline.train_images_per_second
         * one.train_macs / baseline.train_macs AS practice_over_theory
FROM trained AS one
JOIN trained AS baseline
  ON baseline.group_size = 1 AND baseline.norm = 'gn'  -- what the others are compared with
 AND NOT (one.group_size = 1 AND one.norm = 'gn')
 AND baseline.source = one.source AND baseline.dataset = one.dataset
 AND baseline.model_size = one.model_size AND baseline.width = one.width
 AND baseline.small_images = one.small_images AND baseline.train_resolution = one.train_resolution
 AND COALESCE(baseline.precision, '') = COALESCE(one.precision, '')
 AND COALESCE(baseline.device, '') = COALESCE(one.device, '')
 AND COALESCE(baseline.threads, 0) = COALESCE(one.threads, 0)
ORDER BY practice_over_theory DESC, one.train_resolution, one.group_size, one.norm, one.device;
""",
)

_DOUBTFUL_MEASUREMENTS = Recipe(
    "doubtful-measurements",
    "Measurements whose blocks disagree (noisy) or that something else disturbed (contended), and how far they spread",
    """\
SELECT m.verdict, m.verdict_reason, e.device, e.threads, v.model_size, v.width, v.group_size, v.norm, m.mode,
       m.resolution, m.batch_size, m.images_per_second, m.cv, MIN(s.images / s.seconds) AS slowest_block,
       MAX(s.images / s.seconds) AS fastest_block, m.measurement_id
FROM measurements AS m
JOIN variants AS v ON v.variant_id = m.variant_id
JOIN environments AS e ON e.environment_key = m.environment_key
LEFT JOIN samples AS s ON s.measurement_id = m.measurement_id
WHERE m.verdict <> 'clean'
GROUP BY m.verdict, m.verdict_reason, e.device, e.threads, v.model_size, v.width, v.group_size, v.norm, m.mode,
         m.resolution, m.batch_size, m.images_per_second, m.cv, m.measurement_id
ORDER BY m.cv DESC, m.measurement_id;
""",
)

_PN_COST = Recipe(
    "cost-of-proxy-norm-by-round",
    "Throughput of LN+PN over GN at equal size, round by round: the two were measured right after each other",
    """\
SELECT e.device, e.threads, gn.mode, gn.resolution, v.model_size, v.width, v.group_size, a.driver_id, g.round,
       CAST(p.images AS DOUBLE PRECISION) / p.seconds / (CAST(g.images AS DOUBLE PRECISION) / g.seconds) AS pn_over_gn,
       p.reference_images_per_second / g.reference_images_per_second AS reference_ratio
FROM measurements AS gn
JOIN variants AS v ON v.variant_id = gn.variant_id AND v.norm = 'gn'        -- the baseline's norm
JOIN variants AS w
  ON w.norm = 'ln+pn'                                                       -- the candidate's norm
 AND w.model_size = v.model_size AND w.width = v.width AND w.group_size = v.group_size AND w.expansion = v.expansion
 AND w.small_images = v.small_images
JOIN measurements AS pn
  ON pn.variant_id = w.variant_id AND pn.mode = gn.mode AND pn.resolution = gn.resolution
 AND pn.channels = gn.channels AND pn.classes = gn.classes AND pn.precision = gn.precision
 AND pn.environment_key = gn.environment_key AND COALESCE(pn.optimizer, '') = COALESCE(gn.optimizer, '')
JOIN environments AS e ON e.environment_key = gn.environment_key
JOIN measurement_rounds AS g ON g.measurement_id = gn.measurement_id AND g.verdict <> 'contended'
JOIN measurement_rounds AS p
  ON p.measurement_id = pn.measurement_id AND p.round = g.round AND p.verdict <> 'contended'
JOIN attempts AS a ON a.fingerprint = gn.fingerprint AND a.attempt = g.attempt
JOIN attempts AS b ON b.fingerprint = pn.fingerprint AND b.attempt = p.attempt AND b.driver_id = a.driver_id
ORDER BY v.width, v.group_size, gn.resolution, pn_over_gn, gn.measurement_id, pn.measurement_id;
""",
)

_BOTTLENECKS = Recipe(
    "loading-bottlenecks",
    "Where loading and preparing images takes more than a twentieth of the network's throughput",
    """\
SELECT e.device, e.threads, v.model_size, v.width, v.group_size, v.norm, m.mode, m.resolution, m.batch_size,
       m.images_per_second, m.end_to_end_images_per_second, m.loading_images_per_second,
       m.end_to_end_images_per_second / m.images_per_second AS share_kept
FROM measurements AS m
JOIN variants AS v ON v.variant_id = m.variant_id
JOIN environments AS e ON e.environment_key = m.environment_key
WHERE m.verdict <> 'contended' AND m.end_to_end_images_per_second < 0.95 * m.images_per_second
ORDER BY share_kept, m.measurement_id;
""",
)

_STALE = Recipe(
    "stale-measurements",
    "Measurements of hardware and software that is no longer there, by sweep and software",
    """\
SELECT sweeps.name AS sweep, e.device, e.threads, e.software, COUNT(DISTINCT m.fingerprint) AS measurements
FROM environments AS e
JOIN measurements AS m ON m.environment_key = e.environment_key
JOIN sweep_jobs ON sweep_jobs.fingerprint = m.fingerprint
JOIN sweeps ON sweeps.sweep_id = sweep_jobs.sweep_id
WHERE e.superseded_at IS NOT NULL
GROUP BY sweeps.sweep_id, sweeps.name, e.environment_key, e.device, e.threads, e.software
ORDER BY sweeps.sweep_id, measurements DESC;
""",
)

_FAILURES = Recipe(
    "failures",
    "What went wrong, the most frequent first: attempts without a result by stage, outcome, class and message",
    """\
SELECT j.stage, a.outcome, a.failure, a.message, COUNT(*) AS attempts, COUNT(DISTINCT a.fingerprint) AS jobs,
       SUM(CASE WHEN j.state = 'done' THEN 1 ELSE 0 END) AS attempts_of_jobs_done_since,
       MIN(a.fingerprint) AS example
FROM attempts AS a
JOIN jobs AS j ON j.fingerprint = a.fingerprint
WHERE a.outcome NOT IN ('done', 'superseded', 'stopped')
GROUP BY j.stage, a.outcome, a.failure, a.message
ORDER BY attempts DESC, example;
""",
)

_SLOT_HOURS = Recipe(
    "slot-hours",
    "Hours of slot time that went into each sweep's results; work that sweeps share is counted in each of them",
    """\
WITH work AS (
  SELECT fingerprint, seconds FROM trainings
  UNION ALL
  SELECT fingerprint, seconds FROM evaluations
  UNION ALL
  SELECT m.fingerprint, SUM(s.seconds)  -- of its timed blocks, every time it was measured
  FROM measurements AS m
  JOIN samples AS s ON s.measurement_id = m.measurement_id
  GROUP BY m.fingerprint
)
SELECT sweeps.name AS sweep, COUNT(work.seconds) AS jobs,
       SUM(CASE WHEN jobs.stage = 'train' THEN work.seconds ELSE 0.0 END) / 3600 AS train_hours,
       SUM(CASE WHEN jobs.stage = 'evaluate' THEN work.seconds ELSE 0.0 END) / 3600 AS evaluate_hours,
       SUM(CASE WHEN jobs.stage = 'measure' THEN work.seconds ELSE 0.0 END) / 3600 AS measure_hours,
       SUM(work.seconds) / 3600 AS hours
FROM sweeps
JOIN sweep_jobs ON sweep_jobs.sweep_id = sweeps.sweep_id
JOIN jobs ON jobs.fingerprint = sweep_jobs.fingerprint
JOIN work ON work.fingerprint = jobs.fingerprint
GROUP BY sweeps.sweep_id, sweeps.name
ORDER BY hours DESC, sweeps.sweep_id;
""",
)

_SEED_SPREAD = Recipe(
    "seed-spread",
    "How far the seeds of one configuration lie apart in top-1: what differences between networks have to exceed",
    """\
SELECT dataset, series, model_size, width, train_resolution, test_resolution, COUNT(DISTINCT evaluation) AS seeds,
       AVG(top1) AS top1_mean, MIN(top1) AS lowest, MAX(top1) AS highest, MAX(top1) - MIN(top1) AS spread
FROM results
WHERE source = 'measured'
GROUP BY dataset, dataset_id, series, variant_id, model_size, width, train_resolution, test_resolution, precision,
         recipe_digest, fine_tune_digest
HAVING COUNT(DISTINCT evaluation) > 1
ORDER BY spread DESC, train_resolution, test_resolution, variant_id;
""",
)

_PUBLISHED_BESIDE_MEASURED = Recipe(
    "published-beside-measured",
    "Published rows beside what was measured of the same network and train resolution, whatever the data and device",
    """\
SELECT published.series, published.model_size, published.train_resolution,
       published.top1_mean AS published_top1, measured.dataset AS measured_on, measured.test_resolution,
       measured.top1_mean AS measured_top1,
       published.device AS published_device, published.train_images_per_second AS published_train,
       measured.device AS measured_device, measured.train_images_per_second AS measured_train,
       published.inference_images_per_second AS published_inference,
       measured.inference_images_per_second AS measured_inference
FROM variant_results AS published
JOIN variant_results AS measured
  ON published.source = 'published' AND measured.source = 'measured'
 AND measured.variant_id = published.variant_id AND measured.train_resolution = published.train_resolution
ORDER BY published.top1_mean DESC, published.train_resolution, measured.test_resolution, measured.top1_mean DESC,
         measured_device;
""",
)

#: Name → recipe, in the order in which they are listed.
RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        one.name: one
        for one in (
            _BEST_PER_DEVICE,
            _TRAINING_FRONT,
            _CHEAPEST_ABOVE,
            _PN_OVER_GN,
            _PN_COST,
            _HALF_VS_NATIVE,
            _FINE_TUNE_GAIN,
            _PRACTICE_OVER_THEORY,
            _SEED_SPREAD,
            _PUBLISHED_BESIDE_MEASURED,
            _DOUBTFUL_MEASUREMENTS,
            _STALE,
            _BOTTLENECKS,
            _FAILURES,
            _SLOT_HOURS,
        )
    }
)
