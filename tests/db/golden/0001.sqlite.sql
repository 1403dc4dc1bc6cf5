-- A database of schema 0001, written by the code of release 0.1.0 and dumped by sqlite3's iterdump.
PRAGMA application_id=1179875184;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE attempts (
	fingerprint VARCHAR(32) NOT NULL, 
	attempt INTEGER NOT NULL, 
	driver_id VARCHAR(32) NOT NULL, 
	slot TEXT NOT NULL, 
	node TEXT NOT NULL, 
	environment_key VARCHAR(32), 
	started_at TEXT NOT NULL, 
	ended_at TEXT, 
	outcome TEXT, 
	failure TEXT DEFAULT '' NOT NULL, 
	message TEXT DEFAULT '' NOT NULL, 
	traceback TEXT DEFAULT '' NOT NULL, 
	directory TEXT NOT NULL, 
	CONSTRAINT pk_attempts PRIMARY KEY (fingerprint, attempt), 
	CONSTRAINT ck_attempts_outcome CHECK (outcome IN ('done', 'diverged', 'failed', 'crashed', 'lost', 'out_of_memory', 'timeout', 'stopped', 'superseded')), 
	CONSTRAINT ck_attempts_ended_at CHECK ((ended_at IS NOT NULL) = (outcome IS NOT NULL)), 
	CONSTRAINT ck_attempts_attempt CHECK (attempt >= 1), 
	CONSTRAINT fk_attempts_driver_id FOREIGN KEY(driver_id) REFERENCES drivers (driver_id), 
	CONSTRAINT fk_attempts_environment_key FOREIGN KEY(environment_key) REFERENCES environments (environment_key), 
	CONSTRAINT fk_attempts_fingerprint FOREIGN KEY(fingerprint) REFERENCES jobs (fingerprint)
);
INSERT INTO "attempts" VALUES('91313d99d10b90a2fb0ad9d8fc6c19ef',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:06.000000Z','2026-01-31T12:00:07.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('9b21f3c44c68e8af447e3c125729b95a',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:09.000000Z','2026-01-31T12:00:10.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('591412aa222cbd4f0636f2c5111dd086',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:12.000000Z','2026-01-31T12:00:13.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('20ab635838435a022230444b4af8e947',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:15.000000Z','2026-01-31T12:00:16.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('fc972dfd7609570b976061ca6785bcb0',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:18.000000Z','2026-01-31T12:00:19.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('b5669c30fc1a2420746c7404a67b2a00',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:21.000000Z','2026-01-31T12:00:22.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('78556fecb475c77fe3f9e8bf3834ca24',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:24.000000Z','2026-01-31T12:00:25.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('66fceed7d3534c61588ce8b24a7abe4c',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:27.000000Z','2026-01-31T12:00:28.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('fcb43a9cb7a9145496ca6c922cf3f0df',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:30.000000Z','2026-01-31T12:00:31.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('3735ddad1fc56f95399149e2a8924393',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:33.000000Z','2026-01-31T12:00:34.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('1b0d6fc8dac6c07c6c74de7764344efc',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:36.000000Z','2026-01-31T12:00:37.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('d40394f32fcd4c6fa5e143cd9f4fc75a',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:39.000000Z','2026-01-31T12:00:40.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('fa5ea9ceac0033026775145e048dc180',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:42.000000Z','2026-01-31T12:00:43.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('530a77849db3cae5723b7cf9178bb1c0',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:45.000000Z','2026-01-31T12:00:46.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('e492d6101e708f27e6e551a05ec6607e',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:49.000000Z','2026-01-31T12:00:50.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('2ada8b5a123f4768d36abc30fcedbe45',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:53.000000Z','2026-01-31T12:00:54.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('5fcf79a61dfda11f2d2e2a6f7d5da452',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:57.000000Z','2026-01-31T12:00:58.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('8c92f20fa06209fb7985ff606ea0b39c',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:01:01.000000Z','2026-01-31T12:01:02.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('ee35f435f307e4ee714178bc0f38667f',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:01:05.000000Z','2026-01-31T12:01:06.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('1a5b752923a41341945fd5e02e1c409c',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:01:09.000000Z','2026-01-31T12:01:10.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('9246ef11410103d59fde9ae7a97c641b',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','99999999999999999999999999999999','2026-01-31T12:01:13.000000Z','2026-01-31T12:01:14.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('572bce09b18b5bf27a375d695f1b75c6',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','99999999999999999999999999999999','2026-01-31T12:01:17.000000Z','2026-01-31T12:01:18.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('a1d1e7445b914bd53da505f67bb061b6',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','99999999999999999999999999999999','2026-01-31T12:01:21.000000Z','2026-01-31T12:01:22.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('15e865ff1c4524b8c5a3df4fe3a65fb9',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','99999999999999999999999999999999','2026-01-31T12:01:25.000000Z','2026-01-31T12:01:26.000000Z','done','','','','runs/1');
INSERT INTO "attempts" VALUES('e492d6101e708f27e6e551a05ec6607e',2,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:01:29.000000Z','2026-01-31T12:01:30.000000Z','done','','','','runs/2');
INSERT INTO "attempts" VALUES('b008673f2616b1d7724d7fbe17b8bded',1,'0c1d665fb73f29761dc6577d49538924','cpu/0','here','cccccccccccccccccccccccccccccccc','2026-01-31T12:01:32.000000Z','2026-01-31T12:01:33.000000Z','failed','error','it is broken','','runs/1');
CREATE TABLE datasets (
	dataset_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	classes INTEGER NOT NULL, 
	channels INTEGER NOT NULL, 
	image_side INTEGER NOT NULL, 
	train_images INTEGER, 
	test_images INTEGER, 
	root TEXT, 
	digest VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_datasets PRIMARY KEY (dataset_id), 
	CONSTRAINT ck_datasets_positive CHECK (classes >= 1 AND channels >= 1 AND image_side >= 0), 
	CONSTRAINT uq_datasets_digest UNIQUE (digest)
);
INSERT INTO "datasets" VALUES(1,'fashion-mnist',10,1,28,12000,NULL,NULL,'fa516bdb30c53742e65887d50961f76f');
INSERT INTO "datasets" VALUES(2,'fashion-mnist',10,1,28,NULL,1000,NULL,'4d3d2500a4ab144974ebd76a98ba71e4');
CREATE TABLE drivers (
	driver_id VARCHAR(32) NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	boot_id TEXT NOT NULL, 
	process_started DOUBLE NOT NULL, 
	started_at TEXT NOT NULL, 
	heartbeat_at TEXT NOT NULL, 
	beats BIGINT DEFAULT '0' NOT NULL, 
	ended_at TEXT, 
	CONSTRAINT pk_drivers PRIMARY KEY (driver_id), 
	CONSTRAINT ck_drivers_beats CHECK (beats >= 0)
);
INSERT INTO "drivers" VALUES('0c1d665fb73f29761dc6577d49538924','here',1,'b',1.5,'2026-01-31T12:00:01.000000Z','2026-01-31T12:00:01.000000Z',0,'2026-01-31T12:01:37.000000Z');
CREATE TABLE environments (
	environment_key VARCHAR(32) NOT NULL, 
	slot_kind TEXT NOT NULL, 
	device TEXT NOT NULL, 
	threads INTEGER NOT NULL, 
	software TEXT NOT NULL, 
	details TEXT NOT NULL, 
	first_seen_at TEXT NOT NULL, 
	CONSTRAINT pk_environments PRIMARY KEY (environment_key), 
	CONSTRAINT ck_environments_threads CHECK (threads >= 0)
);
INSERT INTO "environments" VALUES('cccccccccccccccccccccccccccccccc','cpu','Xeon',1,'{"torch": "2.10"}','{}','2026-01-31T12:00:02.000000Z');
INSERT INTO "environments" VALUES('99999999999999999999999999999999','cuda','H200',4,'{"torch": "2.10"}','{}','2026-01-31T12:00:03.000000Z');
CREATE TABLE epochs (
	fingerprint VARCHAR(32) NOT NULL, 
	attempt INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	loss DOUBLE NOT NULL, 
	learning_rate DOUBLE NOT NULL, 
	images BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	CONSTRAINT pk_epochs PRIMARY KEY (fingerprint, attempt, epoch), 
	CONSTRAINT ck_epochs_counts CHECK (epoch >= 1 AND images >= 0 AND seconds >= 0), 
	CONSTRAINT fk_epochs_fingerprint_attempt FOREIGN KEY(fingerprint, attempt) REFERENCES attempts (fingerprint, attempt)
);
CREATE TABLE evaluations (
	fingerprint VARCHAR(32) NOT NULL, 
	attempt INTEGER NOT NULL, 
	training VARCHAR(32) NOT NULL, 
	test_resolution INTEGER NOT NULL, 
	fine_tune TEXT NOT NULL, 
	fine_tune_digest VARCHAR(32) NOT NULL, 
	fine_tune_layers TEXT NOT NULL, 
	images BIGINT NOT NULL, 
	correct BIGINT NOT NULL, 
	correct_before_fine_tune BIGINT NOT NULL, 
	loss DOUBLE NOT NULL, 
	test_macs BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	dataset_digest TEXT NOT NULL, 
	environment_key VARCHAR(32) NOT NULL, 
	finished_at TEXT NOT NULL, 
	CONSTRAINT pk_evaluations PRIMARY KEY (fingerprint), 
	CONSTRAINT ck_evaluations_correct CHECK (correct >= 0 AND correct <= images), 
	CONSTRAINT ck_evaluations_correct_before_fine_tune CHECK (correct_before_fine_tune >= 0 AND correct_before_fine_tune <= images), 
	CONSTRAINT ck_evaluations_positive CHECK (images > 0 AND test_macs > 0 AND test_resolution > 0 AND seconds >= 0), 
	CONSTRAINT ck_evaluations_loss CHECK (loss < 1e300), 
	CONSTRAINT fk_evaluations_environment_key FOREIGN KEY(environment_key) REFERENCES environments (environment_key), 
	CONSTRAINT fk_evaluations_fingerprint_attempt FOREIGN KEY(fingerprint, attempt) REFERENCES attempts (fingerprint, attempt), 
	CONSTRAINT fk_evaluations_training FOREIGN KEY(training) REFERENCES trainings (fingerprint)
);
INSERT INTO "evaluations" VALUES('9b21f3c44c68e8af447e3c125729b95a',1,'91313d99d10b90a2fb0ad9d8fc6c19ef',24,'{"layers": "head"}','da42ff14d395c2baaf569b328f4d0693','head',10000,8520,8370,0.4,17280000,8.0,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:10.000000Z');
INSERT INTO "evaluations" VALUES('591412aa222cbd4f0636f2c5111dd086',1,'91313d99d10b90a2fb0ad9d8fc6c19ef',28,'{"layers": "head"}','da42ff14d395c2baaf569b328f4d0693','head',10000,8450,8300,0.4,23520000,8.0,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:13.000000Z');
INSERT INTO "evaluations" VALUES('fc972dfd7609570b976061ca6785bcb0',1,'20ab635838435a022230444b4af8e947',24,'{"layers": "head"}','da42ff14d395c2baaf569b328f4d0693','head',10000,8531,8370,0.4,17280000,8.0,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:19.000000Z');
INSERT INTO "evaluations" VALUES('b5669c30fc1a2420746c7404a67b2a00',1,'20ab635838435a022230444b4af8e947',28,'{"layers": "head"}','da42ff14d395c2baaf569b328f4d0693','head',10000,8461,8300,0.4,23520000,8.0,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:22.000000Z');
INSERT INTO "evaluations" VALUES('66fceed7d3534c61588ce8b24a7abe4c',1,'78556fecb475c77fe3f9e8bf3834ca24',24,'{"layers": "head"}','da42ff14d395c2baaf569b328f4d0693','head',10000,8650,8370,0.4,17280000,8.0,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:28.000000Z');
INSERT INTO "evaluations" VALUES('fcb43a9cb7a9145496ca6c922cf3f0df',1,'78556fecb475c77fe3f9e8bf3834ca24',28,'{"layers": "head"}','da42ff14d395c2baaf569b328f4d0693','head',10000,8580,8300,0.4,23520000,8.0,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:31.000000Z');
INSERT INTO "evaluations" VALUES('1b0d6fc8dac6c07c6c74de7764344efc',1,'3735ddad1fc56f95399149e2a8924393',24,'{"layers": "head"}','da42ff14d395c2baaf569b328f4d0693','head',10000,8661,8370,0.4,17280000,8.0,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:37.000000Z');
INSERT INTO "evaluations" VALUES('d40394f32fcd4c6fa5e143cd9f4fc75a',1,'3735ddad1fc56f95399149e2a8924393',28,'{"layers": "head"}','da42ff14d395c2baaf569b328f4d0693','head',10000,8591,8300,0.4,23520000,8.0,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:40.000000Z');
INSERT INTO "evaluations" VALUES('530a77849db3cae5723b7cf9178bb1c0',1,'fa5ea9ceac0033026775145e048dc180',28,'{"layers": "none"}','df390be190b1f510e91457f7a6df0bd7','none',1000,871,871,0.4,20000000,8.0,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:46.000000Z');
CREATE TABLE frontsweep_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT frontsweep_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "frontsweep_alembic_version" VALUES('0001');
CREATE TABLE jobs (
	fingerprint VARCHAR(32) NOT NULL, 
	stage TEXT NOT NULL, 
	label TEXT NOT NULL, 
	config TEXT NOT NULL, 
	depends_on VARCHAR(32), 
	environment_key VARCHAR(32), 
	state TEXT NOT NULL, 
	reason TEXT DEFAULT '' NOT NULL, 
	attempt INTEGER DEFAULT '0' NOT NULL, 
	driver_id VARCHAR(32), 
	slot TEXT, 
	crashes INTEGER DEFAULT '0' NOT NULL, 
	losses INTEGER DEFAULT '0' NOT NULL, 
	not_before TEXT, 
	created_at TEXT NOT NULL, 
	changed_at TEXT NOT NULL, 
	started_at TEXT, 
	finished_at TEXT, 
	progress DOUBLE DEFAULT '0' NOT NULL, 
	progress_text TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_jobs PRIMARY KEY (fingerprint), 
	CONSTRAINT ck_jobs_depends_on CHECK ((depends_on IS NOT NULL) = (stage = 'evaluate')), 
	CONSTRAINT ck_jobs_driver_id CHECK ((driver_id IS NOT NULL) = (state = 'running')), 
	CONSTRAINT ck_jobs_environment_key CHECK ((environment_key IS NOT NULL) = (stage = 'measure')), 
	CONSTRAINT ck_jobs_finished_at CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'diverged', 'failed', 'quarantined', 'cancelled'))), 
	CONSTRAINT ck_jobs_slot CHECK ((slot IS NOT NULL) = (state = 'running')), 
	CONSTRAINT ck_jobs_stage CHECK (stage IN ('train', 'evaluate', 'measure')), 
	CONSTRAINT ck_jobs_running CHECK (state <> 'running' OR (attempt >= 1 AND started_at IS NOT NULL)), 
	CONSTRAINT ck_jobs_state CHECK (state IN ('queued', 'running', 'blocked', 'done', 'diverged', 'failed', 'quarantined', 'cancelled')), 
	CONSTRAINT ck_jobs_counts CHECK (attempt >= 0 AND crashes >= 0 AND losses >= 0), 
	CONSTRAINT ck_jobs_progress CHECK (progress >= 0 AND progress <= 1), 
	CONSTRAINT fk_jobs_depends_on FOREIGN KEY(depends_on) REFERENCES jobs (fingerprint) DEFERRABLE INITIALLY DEFERRED, 
	CONSTRAINT fk_jobs_driver_id FOREIGN KEY(driver_id) REFERENCES drivers (driver_id), 
	CONSTRAINT fk_jobs_environment_key FOREIGN KEY(environment_key) REFERENCES environments (environment_key)
);
INSERT INTO "jobs" VALUES('91313d99d10b90a2fb0ad9d8fc6c19ef','train','job (''train'', (''plain'', 0))','{"n": "(''train'', (''plain'', 0))"}',NULL,NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:05.000000Z','2026-01-31T12:00:07.000000Z','2026-01-31T12:00:06.000000Z','2026-01-31T12:00:07.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('9b21f3c44c68e8af447e3c125729b95a','evaluate','job (''evaluate'', ''91313d99d10b90a2fb0ad9d8fc6c19ef'', [(''correct'', 8520), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])','{"n": "(''evaluate'', ''91313d99d10b90a2fb0ad9d8fc6c19ef'', [(''correct'', 8520), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])"}','91313d99d10b90a2fb0ad9d8fc6c19ef',NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:08.000000Z','2026-01-31T12:00:10.000000Z','2026-01-31T12:00:09.000000Z','2026-01-31T12:00:10.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('591412aa222cbd4f0636f2c5111dd086','evaluate','job (''evaluate'', ''91313d99d10b90a2fb0ad9d8fc6c19ef'', [(''correct'', 8450), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])','{"n": "(''evaluate'', ''91313d99d10b90a2fb0ad9d8fc6c19ef'', [(''correct'', 8450), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])"}','91313d99d10b90a2fb0ad9d8fc6c19ef',NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:11.000000Z','2026-01-31T12:00:13.000000Z','2026-01-31T12:00:12.000000Z','2026-01-31T12:00:13.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('20ab635838435a022230444b4af8e947','train','job (''train'', (''plain'', 1))','{"n": "(''train'', (''plain'', 1))"}',NULL,NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:14.000000Z','2026-01-31T12:00:16.000000Z','2026-01-31T12:00:15.000000Z','2026-01-31T12:00:16.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('fc972dfd7609570b976061ca6785bcb0','evaluate','job (''evaluate'', ''20ab635838435a022230444b4af8e947'', [(''correct'', 8531), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])','{"n": "(''evaluate'', ''20ab635838435a022230444b4af8e947'', [(''correct'', 8531), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])"}','20ab635838435a022230444b4af8e947',NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:17.000000Z','2026-01-31T12:00:19.000000Z','2026-01-31T12:00:18.000000Z','2026-01-31T12:00:19.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('b5669c30fc1a2420746c7404a67b2a00','evaluate','job (''evaluate'', ''20ab635838435a022230444b4af8e947'', [(''correct'', 8461), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])','{"n": "(''evaluate'', ''20ab635838435a022230444b4af8e947'', [(''correct'', 8461), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])"}','20ab635838435a022230444b4af8e947',NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:20.000000Z','2026-01-31T12:00:22.000000Z','2026-01-31T12:00:21.000000Z','2026-01-31T12:00:22.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('78556fecb475c77fe3f9e8bf3834ca24','train','job (''train'', (''proxy'', 0))','{"n": "(''train'', (''proxy'', 0))"}',NULL,NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:23.000000Z','2026-01-31T12:00:25.000000Z','2026-01-31T12:00:24.000000Z','2026-01-31T12:00:25.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('66fceed7d3534c61588ce8b24a7abe4c','evaluate','job (''evaluate'', ''78556fecb475c77fe3f9e8bf3834ca24'', [(''correct'', 8650), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])','{"n": "(''evaluate'', ''78556fecb475c77fe3f9e8bf3834ca24'', [(''correct'', 8650), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])"}','78556fecb475c77fe3f9e8bf3834ca24',NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:26.000000Z','2026-01-31T12:00:28.000000Z','2026-01-31T12:00:27.000000Z','2026-01-31T12:00:28.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('fcb43a9cb7a9145496ca6c922cf3f0df','evaluate','job (''evaluate'', ''78556fecb475c77fe3f9e8bf3834ca24'', [(''correct'', 8580), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])','{"n": "(''evaluate'', ''78556fecb475c77fe3f9e8bf3834ca24'', [(''correct'', 8580), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])"}','78556fecb475c77fe3f9e8bf3834ca24',NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:29.000000Z','2026-01-31T12:00:31.000000Z','2026-01-31T12:00:30.000000Z','2026-01-31T12:00:31.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('3735ddad1fc56f95399149e2a8924393','train','job (''train'', (''proxy'', 1))','{"n": "(''train'', (''proxy'', 1))"}',NULL,NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:32.000000Z','2026-01-31T12:00:34.000000Z','2026-01-31T12:00:33.000000Z','2026-01-31T12:00:34.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('1b0d6fc8dac6c07c6c74de7764344efc','evaluate','job (''evaluate'', ''3735ddad1fc56f95399149e2a8924393'', [(''correct'', 8661), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])','{"n": "(''evaluate'', ''3735ddad1fc56f95399149e2a8924393'', [(''correct'', 8661), (''correct_before_fine_tune'', 8370), (''test_macs'', 17280000), (''test_resolution'', 24)])"}','3735ddad1fc56f95399149e2a8924393',NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:35.000000Z','2026-01-31T12:00:37.000000Z','2026-01-31T12:00:36.000000Z','2026-01-31T12:00:37.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('d40394f32fcd4c6fa5e143cd9f4fc75a','evaluate','job (''evaluate'', ''3735ddad1fc56f95399149e2a8924393'', [(''correct'', 8591), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])','{"n": "(''evaluate'', ''3735ddad1fc56f95399149e2a8924393'', [(''correct'', 8591), (''correct_before_fine_tune'', 8300), (''test_macs'', 23520000), (''test_resolution'', 28)])"}','3735ddad1fc56f95399149e2a8924393',NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:38.000000Z','2026-01-31T12:00:40.000000Z','2026-01-31T12:00:39.000000Z','2026-01-31T12:00:40.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('fa5ea9ceac0033026775145e048dc180','train','job (''train'', ''all of it'')','{"n": "(''train'', ''all of it'')"}',NULL,NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:41.000000Z','2026-01-31T12:00:43.000000Z','2026-01-31T12:00:42.000000Z','2026-01-31T12:00:43.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('530a77849db3cae5723b7cf9178bb1c0','evaluate','job (''evaluate'', ''fa5ea9ceac0033026775145e048dc180'', [(''correct'', 871), (''correct_before_fine_tune'', 871), (''fine_tune'', {''layers'': ''none''}), (''fine_tune_digest'', ''df390be190b1f510e91457f7a6df0bd7''), (''fine_tune_layers'', ''none''), (''images'', 1000)])','{"n": "(''evaluate'', ''fa5ea9ceac0033026775145e048dc180'', [(''correct'', 871), (''correct_before_fine_tune'', 871), (''fine_tune'', {''layers'': ''none''}), (''fine_tune_digest'', ''df390be190b1f510e91457f7a6df0bd7''), (''fine_tune_layers'', ''none''), (''images'', 1000)])"}','fa5ea9ceac0033026775145e048dc180',NULL,'done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:44.000000Z','2026-01-31T12:00:46.000000Z','2026-01-31T12:00:45.000000Z','2026-01-31T12:00:46.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('e492d6101e708f27e6e551a05ec6607e','measure','job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}',NULL,'cccccccccccccccccccccccccccccccc','done','',2,NULL,NULL,0,0,NULL,'2026-01-31T12:00:47.000000Z','2026-01-31T12:01:30.000000Z','2026-01-31T12:01:29.000000Z','2026-01-31T12:01:30.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('2ada8b5a123f4768d36abc30fcedbe45','measure','job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}',NULL,'cccccccccccccccccccccccccccccccc','done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:51.000000Z','2026-01-31T12:00:54.000000Z','2026-01-31T12:00:53.000000Z','2026-01-31T12:00:54.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('5fcf79a61dfda11f2d2e2a6f7d5da452','measure','job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 28), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 28), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}',NULL,'cccccccccccccccccccccccccccccccc','done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:55.000000Z','2026-01-31T12:00:58.000000Z','2026-01-31T12:00:57.000000Z','2026-01-31T12:00:58.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('8c92f20fa06209fb7985ff606ea0b39c','measure','job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}',NULL,'cccccccccccccccccccccccccccccccc','done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:00:59.000000Z','2026-01-31T12:01:02.000000Z','2026-01-31T12:01:01.000000Z','2026-01-31T12:01:02.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('ee35f435f307e4ee714178bc0f38667f','measure','job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}',NULL,'cccccccccccccccccccccccccccccccc','done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:01:03.000000Z','2026-01-31T12:01:06.000000Z','2026-01-31T12:01:05.000000Z','2026-01-31T12:01:06.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('1a5b752923a41341945fd5e02e1c409c','measure','job (''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 28), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''cccccccccccccccccccccccccccccccc'', [(''mode'', ''inference''), (''resolution'', 28), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}',NULL,'cccccccccccccccccccccccccccccccc','done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:01:07.000000Z','2026-01-31T12:01:10.000000Z','2026-01-31T12:01:09.000000Z','2026-01-31T12:01:10.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('9246ef11410103d59fde9ae7a97c641b','measure','job (''measure'', '''', ''99999999999999999999999999999999'', [(''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''99999999999999999999999999999999'', [(''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}',NULL,'99999999999999999999999999999999','done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:01:11.000000Z','2026-01-31T12:01:14.000000Z','2026-01-31T12:01:13.000000Z','2026-01-31T12:01:14.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('572bce09b18b5bf27a375d695f1b75c6','measure','job (''measure'', '''', ''99999999999999999999999999999999'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''99999999999999999999999999999999'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=1, expansion=6, norm=''gn'', width=0.25, small_images=True))])"}',NULL,'99999999999999999999999999999999','done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:01:15.000000Z','2026-01-31T12:01:18.000000Z','2026-01-31T12:01:17.000000Z','2026-01-31T12:01:18.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('a1d1e7445b914bd53da505f67bb061b6','measure','job (''measure'', '''', ''99999999999999999999999999999999'', [(''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''99999999999999999999999999999999'', [(''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}',NULL,'99999999999999999999999999999999','done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:01:19.000000Z','2026-01-31T12:01:22.000000Z','2026-01-31T12:01:21.000000Z','2026-01-31T12:01:22.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('15e865ff1c4524b8c5a3df4fe3a65fb9','measure','job (''measure'', '''', ''99999999999999999999999999999999'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])','{"n": "(''measure'', '''', ''99999999999999999999999999999999'', [(''mode'', ''inference''), (''resolution'', 24), (''variant'', VariantRecord(model_size=''b0'', group_size=16, expansion=4, norm=''ln+pn'', width=0.25, small_images=True))])"}',NULL,'99999999999999999999999999999999','done','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:01:23.000000Z','2026-01-31T12:01:26.000000Z','2026-01-31T12:01:25.000000Z','2026-01-31T12:01:26.000000Z',1.0,'');
INSERT INTO "jobs" VALUES('08909684136ae65e2fc8dc76411723b9','train','job never run','{"n": "never run"}',NULL,NULL,'queued','',0,NULL,NULL,0,0,NULL,'2026-01-31T12:01:31.000000Z','2026-01-31T12:01:31.000000Z',NULL,NULL,0.0,'');
INSERT INTO "jobs" VALUES('b008673f2616b1d7724d7fbe17b8bded','train','job failed','{"n": "failed"}',NULL,NULL,'failed','',1,NULL,NULL,0,0,NULL,'2026-01-31T12:01:31.000000Z','2026-01-31T12:01:33.000000Z','2026-01-31T12:01:32.000000Z','2026-01-31T12:01:33.000000Z',0.0,'');
CREATE TABLE measurements (
	measurement_id INTEGER NOT NULL, 
	fingerprint VARCHAR(32) NOT NULL, 
	attempt INTEGER NOT NULL, 
	variant_id INTEGER NOT NULL, 
	channels INTEGER NOT NULL, 
	classes INTEGER NOT NULL, 
	mode TEXT NOT NULL, 
	resolution INTEGER NOT NULL, 
	precision TEXT NOT NULL, 
	optimizer TEXT, 
	batch_size_requested INTEGER, 
	batch_size INTEGER NOT NULL, 
	memory_format TEXT NOT NULL, 
	images_per_second DOUBLE NOT NULL, 
	low DOUBLE NOT NULL, 
	high DOUBLE NOT NULL, 
	cv DOUBLE NOT NULL, 
	warmup_steps INTEGER NOT NULL, 
	macs BIGINT NOT NULL, 
	params BIGINT NOT NULL, 
	peak_memory_bytes BIGINT, 
	verdict TEXT NOT NULL, 
	verdict_reason TEXT NOT NULL, 
	conditions TEXT NOT NULL, 
	environment_key VARCHAR(32) NOT NULL, 
	measured_at TEXT NOT NULL, 
	CONSTRAINT pk_measurements PRIMARY KEY (measurement_id), 
	CONSTRAINT ck_measurements_optimizer CHECK ((optimizer IS NOT NULL) = (mode = 'train')), 
	CONSTRAINT ck_measurements_mode CHECK (mode IN ('train', 'inference')), 
	CONSTRAINT ck_measurements_verdict CHECK (verdict IN ('clean', 'noisy', 'contended')), 
	CONSTRAINT ck_measurements_cv CHECK (cv >= 0 AND cv < 1e300), 
	CONSTRAINT ck_measurements_images_per_second CHECK (images_per_second > 0 AND images_per_second < 1e300), 
	CONSTRAINT ck_measurements_interval CHECK (low > 0 AND low <= high AND high < 1e300), 
	CONSTRAINT ck_measurements_counts CHECK (resolution > 0 AND batch_size > 0 AND warmup_steps >= 0), 
	CONSTRAINT fk_measurements_environment_key FOREIGN KEY(environment_key) REFERENCES environments (environment_key), 
	CONSTRAINT fk_measurements_fingerprint_attempt FOREIGN KEY(fingerprint, attempt) REFERENCES attempts (fingerprint, attempt), 
	CONSTRAINT fk_measurements_variant_id FOREIGN KEY(variant_id) REFERENCES variants (variant_id), 
	CONSTRAINT uq_measurements_fingerprint_attempt UNIQUE (fingerprint, attempt)
);
INSERT INTO "measurements" VALUES(1,'e492d6101e708f27e6e551a05ec6607e',1,1,1,10,'train',20,'fp32','rmsprop',NULL,128,'channels_last',500.0,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:50.000000Z');
INSERT INTO "measurements" VALUES(2,'2ada8b5a123f4768d36abc30fcedbe45',1,1,1,10,'inference',24,'fp32',NULL,NULL,128,'channels_last',1250.0,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:54.000000Z');
INSERT INTO "measurements" VALUES(3,'5fcf79a61dfda11f2d2e2a6f7d5da452',1,1,1,10,'inference',28,'fp32',NULL,NULL,128,'channels_last',1.07142857142857133114e+03,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:58.000000Z');
INSERT INTO "measurements" VALUES(4,'8c92f20fa06209fb7985ff606ea0b39c',1,2,1,10,'train',20,'fp32','rmsprop',NULL,128,'channels_last',900.0,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','cccccccccccccccccccccccccccccccc','2026-01-31T12:01:02.000000Z');
INSERT INTO "measurements" VALUES(5,'ee35f435f307e4ee714178bc0f38667f',1,2,1,10,'inference',24,'fp32',NULL,NULL,128,'channels_last',2250.0,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','cccccccccccccccccccccccccccccccc','2026-01-31T12:01:06.000000Z');
INSERT INTO "measurements" VALUES(6,'1a5b752923a41341945fd5e02e1c409c',1,2,1,10,'inference',28,'fp32',NULL,NULL,128,'channels_last',1.92857142857142866889e+03,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','cccccccccccccccccccccccccccccccc','2026-01-31T12:01:10.000000Z');
INSERT INTO "measurements" VALUES(7,'9246ef11410103d59fde9ae7a97c641b',1,1,1,10,'train',20,'fp32','rmsprop',NULL,128,'channels_last',15000.0,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','99999999999999999999999999999999','2026-01-31T12:01:14.000000Z');
INSERT INTO "measurements" VALUES(8,'572bce09b18b5bf27a375d695f1b75c6',1,1,1,10,'inference',24,'fp32',NULL,NULL,128,'channels_last',37500.0,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','99999999999999999999999999999999','2026-01-31T12:01:18.000000Z');
INSERT INTO "measurements" VALUES(9,'a1d1e7445b914bd53da505f67bb061b6',1,2,1,10,'train',20,'fp32','rmsprop',NULL,128,'channels_last',27000.0,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','99999999999999999999999999999999','2026-01-31T12:01:22.000000Z');
INSERT INTO "measurements" VALUES(10,'15e865ff1c4524b8c5a3df4fe3a65fb9',1,2,1,10,'inference',24,'fp32',NULL,NULL,128,'channels_last',67500.0,990.0,1010.0,0.01,3,12000000,450000,NULL,'clean','','{"load": 0.1}','99999999999999999999999999999999','2026-01-31T12:01:26.000000Z');
INSERT INTO "measurements" VALUES(11,'e492d6101e708f27e6e551a05ec6607e',2,1,1,10,'train',20,'fp32','rmsprop',NULL,128,'channels_last',100.0,990.0,1010.0,0.01,3,12000000,450000,NULL,'contended','others used the processors','{"load": 0.1}','cccccccccccccccccccccccccccccccc','2026-01-31T12:01:30.000000Z');
CREATE TABLE publications (
	publication_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	dataset TEXT NOT NULL, 
	imported_at TEXT NOT NULL, 
	CONSTRAINT pk_publications PRIMARY KEY (publication_id), 
	CONSTRAINT uq_publications_name UNIQUE (name)
);
INSERT INTO "publications" VALUES(1,'paper','imagenet','2026-01-31T12:01:34.000000Z');
CREATE TABLE published_results (
	publication_id INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	series TEXT NOT NULL, 
	variant_id INTEGER NOT NULL, 
	train_resolution INTEGER NOT NULL, 
	test_resolution INTEGER, 
	native_resolution INTEGER, 
	half_resolution INTEGER, 
	fine_tuned BOOLEAN NOT NULL, 
	top1_ppm INTEGER NOT NULL, 
	params BIGINT, 
	train_macs BIGINT, 
	train_images_per_second DOUBLE, 
	inference_images_per_second DOUBLE, 
	slot_kind TEXT, 
	device TEXT NOT NULL, 
	CONSTRAINT pk_published_results PRIMARY KEY (publication_id, ordinal), 
	CONSTRAINT ck_published_results_inference_throughput CHECK (inference_images_per_second > 0 AND inference_images_per_second < 1e300), 
	CONSTRAINT ck_published_results_top1_ppm CHECK (top1_ppm >= 0 AND top1_ppm <= 1000000), 
	CONSTRAINT ck_published_results_train_throughput CHECK (train_images_per_second > 0 AND train_images_per_second < 1e300), 
	CONSTRAINT fk_published_results_publication_id FOREIGN KEY(publication_id) REFERENCES publications (publication_id) ON DELETE CASCADE, 
	CONSTRAINT fk_published_results_variant_id FOREIGN KEY(variant_id) REFERENCES variants (variant_id)
);
INSERT INTO "published_results" VALUES(1,0,'G1-GN-Baseline',3,224,224,224,160,0,761600,5290000,397000000,26400.0,NULL,NULL,'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO "published_results" VALUES(1,1,'G1-GN-Baseline',4,240,240,NULL,NULL,0,782300,7790000,697000000,14600.0,NULL,NULL,'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO "published_results" VALUES(1,2,'G1-GN-Baseline',5,260,260,NULL,NULL,0,792100,9110000,994000000,12600.0,NULL,NULL,'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO "published_results" VALUES(1,3,'G1-GN-Baseline',6,300,300,NULL,NULL,0,806500,12230000,1830000000,6930.0,NULL,NULL,'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO "published_results" VALUES(1,4,'G1-GN-Baseline',7,380,380,NULL,NULL,0,819800,19340000,4400000000,2730.0,NULL,NULL,'IPU-POD16 (16 Mk2 IPUs)');
INSERT INTO "published_results" VALUES(1,5,'G1-GN-Baseline',8,456,456,NULL,NULL,0,828400,30390000,10200000000,1270.0,NULL,NULL,'IPU-POD16 (16 Mk2 IPUs)');
CREATE TABLE samples (
	measurement_id INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	images BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	CONSTRAINT pk_samples PRIMARY KEY (measurement_id, ordinal), 
	CONSTRAINT ck_samples_positive CHECK (images > 0 AND seconds > 0 AND seconds < 1e300), 
	CONSTRAINT fk_samples_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurements (measurement_id)
);
INSERT INTO "samples" VALUES(1,0,1000,1.0);
INSERT INTO "samples" VALUES(1,1,1010,1.0);
INSERT INTO "samples" VALUES(2,0,1000,1.0);
INSERT INTO "samples" VALUES(2,1,1010,1.0);
INSERT INTO "samples" VALUES(3,0,1000,1.0);
INSERT INTO "samples" VALUES(3,1,1010,1.0);
INSERT INTO "samples" VALUES(4,0,1000,1.0);
INSERT INTO "samples" VALUES(4,1,1010,1.0);
INSERT INTO "samples" VALUES(5,0,1000,1.0);
INSERT INTO "samples" VALUES(5,1,1010,1.0);
INSERT INTO "samples" VALUES(6,0,1000,1.0);
INSERT INTO "samples" VALUES(6,1,1010,1.0);
INSERT INTO "samples" VALUES(7,0,1000,1.0);
INSERT INTO "samples" VALUES(7,1,1010,1.0);
INSERT INTO "samples" VALUES(8,0,1000,1.0);
INSERT INTO "samples" VALUES(8,1,1010,1.0);
INSERT INTO "samples" VALUES(9,0,1000,1.0);
INSERT INTO "samples" VALUES(9,1,1010,1.0);
INSERT INTO "samples" VALUES(10,0,1000,1.0);
INSERT INTO "samples" VALUES(10,1,1010,1.0);
INSERT INTO "samples" VALUES(11,0,1000,1.0);
INSERT INTO "samples" VALUES(11,1,1010,1.0);
CREATE TABLE sweep_jobs (
	sweep_id INTEGER NOT NULL, 
	fingerprint VARCHAR(32) NOT NULL, 
	ordinal INTEGER NOT NULL, 
	CONSTRAINT pk_sweep_jobs PRIMARY KEY (sweep_id, fingerprint), 
	CONSTRAINT fk_sweep_jobs_fingerprint FOREIGN KEY(fingerprint) REFERENCES jobs (fingerprint), 
	CONSTRAINT fk_sweep_jobs_sweep_id FOREIGN KEY(sweep_id) REFERENCES sweeps (sweep_id), 
	CONSTRAINT uq_sweep_jobs_sweep_id_ordinal UNIQUE (sweep_id, ordinal)
);
INSERT INTO "sweep_jobs" VALUES(1,'91313d99d10b90a2fb0ad9d8fc6c19ef',0);
INSERT INTO "sweep_jobs" VALUES(1,'9b21f3c44c68e8af447e3c125729b95a',1);
INSERT INTO "sweep_jobs" VALUES(1,'591412aa222cbd4f0636f2c5111dd086',2);
INSERT INTO "sweep_jobs" VALUES(1,'20ab635838435a022230444b4af8e947',3);
INSERT INTO "sweep_jobs" VALUES(1,'fc972dfd7609570b976061ca6785bcb0',4);
INSERT INTO "sweep_jobs" VALUES(1,'b5669c30fc1a2420746c7404a67b2a00',5);
INSERT INTO "sweep_jobs" VALUES(1,'78556fecb475c77fe3f9e8bf3834ca24',6);
INSERT INTO "sweep_jobs" VALUES(1,'66fceed7d3534c61588ce8b24a7abe4c',7);
INSERT INTO "sweep_jobs" VALUES(1,'fcb43a9cb7a9145496ca6c922cf3f0df',8);
INSERT INTO "sweep_jobs" VALUES(1,'3735ddad1fc56f95399149e2a8924393',9);
INSERT INTO "sweep_jobs" VALUES(1,'1b0d6fc8dac6c07c6c74de7764344efc',10);
INSERT INTO "sweep_jobs" VALUES(1,'d40394f32fcd4c6fa5e143cd9f4fc75a',11);
INSERT INTO "sweep_jobs" VALUES(1,'fa5ea9ceac0033026775145e048dc180',12);
INSERT INTO "sweep_jobs" VALUES(1,'530a77849db3cae5723b7cf9178bb1c0',13);
INSERT INTO "sweep_jobs" VALUES(1,'e492d6101e708f27e6e551a05ec6607e',14);
INSERT INTO "sweep_jobs" VALUES(1,'2ada8b5a123f4768d36abc30fcedbe45',15);
INSERT INTO "sweep_jobs" VALUES(1,'5fcf79a61dfda11f2d2e2a6f7d5da452',16);
INSERT INTO "sweep_jobs" VALUES(1,'8c92f20fa06209fb7985ff606ea0b39c',17);
INSERT INTO "sweep_jobs" VALUES(1,'ee35f435f307e4ee714178bc0f38667f',18);
INSERT INTO "sweep_jobs" VALUES(1,'1a5b752923a41341945fd5e02e1c409c',19);
INSERT INTO "sweep_jobs" VALUES(1,'9246ef11410103d59fde9ae7a97c641b',20);
INSERT INTO "sweep_jobs" VALUES(1,'572bce09b18b5bf27a375d695f1b75c6',21);
INSERT INTO "sweep_jobs" VALUES(1,'a1d1e7445b914bd53da505f67bb061b6',22);
INSERT INTO "sweep_jobs" VALUES(1,'15e865ff1c4524b8c5a3df4fe3a65fb9',23);
INSERT INTO "sweep_jobs" VALUES(1,'08909684136ae65e2fc8dc76411723b9',24);
INSERT INTO "sweep_jobs" VALUES(1,'b008673f2616b1d7724d7fbe17b8bded',25);
CREATE TABLE sweeps (
	sweep_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	spec_text TEXT NOT NULL, 
	spec_digest TEXT NOT NULL, 
	state TEXT NOT NULL, 
	driver_id VARCHAR(32), 
	artifacts TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	finished_at TEXT, 
	CONSTRAINT pk_sweeps PRIMARY KEY (sweep_id), 
	CONSTRAINT ck_sweeps_finished_at CHECK ((finished_at IS NOT NULL) = (state IN ('finished', 'failed'))), 
	CONSTRAINT ck_sweeps_state CHECK (state IN ('running', 'paused', 'stopped', 'finished', 'failed')), 
	CONSTRAINT fk_sweeps_driver_id FOREIGN KEY(driver_id) REFERENCES drivers (driver_id), 
	CONSTRAINT uq_sweeps_name UNIQUE (name)
);
INSERT INTO "sweeps" VALUES(1,'fashion','name: x','d','failed',NULL,'artifacts','2026-01-31T12:00:04.000000Z','2026-01-31T12:01:37.000000Z','2026-01-31T12:01:35.000000Z');
CREATE TABLE trainings (
	fingerprint VARCHAR(32) NOT NULL, 
	attempt INTEGER NOT NULL, 
	variant_id INTEGER NOT NULL, 
	dataset_id INTEGER NOT NULL, 
	train_resolution INTEGER NOT NULL, 
	native_resolution INTEGER, 
	half_resolution INTEGER, 
	seed BIGINT NOT NULL, 
	precision TEXT NOT NULL, 
	optimizer TEXT NOT NULL, 
	recipe TEXT NOT NULL, 
	recipe_digest VARCHAR(32) NOT NULL, 
	params BIGINT NOT NULL, 
	train_macs BIGINT NOT NULL, 
	epochs INTEGER NOT NULL, 
	train_loss DOUBLE NOT NULL, 
	images_seen BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	checkpoint TEXT NOT NULL, 
	checkpoint_sha256 VARCHAR(64) NOT NULL, 
	checkpoint_bytes BIGINT NOT NULL, 
	dataset_digest TEXT NOT NULL, 
	environment_key VARCHAR(32) NOT NULL, 
	finished_at TEXT NOT NULL, 
	CONSTRAINT pk_trainings PRIMARY KEY (fingerprint), 
	CONSTRAINT ck_trainings_counts CHECK (epochs >= 0 AND images_seen >= 0 AND seconds >= 0), 
	CONSTRAINT ck_trainings_positive CHECK (params > 0 AND train_macs > 0 AND train_resolution > 0 AND checkpoint_bytes > 0), 
	CONSTRAINT ck_trainings_train_loss CHECK (train_loss < 1e300), 
	CONSTRAINT fk_trainings_dataset_id FOREIGN KEY(dataset_id) REFERENCES datasets (dataset_id), 
	CONSTRAINT fk_trainings_environment_key FOREIGN KEY(environment_key) REFERENCES environments (environment_key), 
	CONSTRAINT fk_trainings_fingerprint_attempt FOREIGN KEY(fingerprint, attempt) REFERENCES attempts (fingerprint, attempt), 
	CONSTRAINT fk_trainings_variant_id FOREIGN KEY(variant_id) REFERENCES variants (variant_id)
);
INSERT INTO "trainings" VALUES('91313d99d10b90a2fb0ad9d8fc6c19ef',1,1,1,20,28,20,0,'fp32','rmsprop','{"epochs": 4}','966deb0fd6f3fceb6ba55e449ee4c488',450000,12000000,4,0.7,48000,31.5,'weights.pt','abababababababababababababababababababababababababababababababab',1900000,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:07.000000Z');
INSERT INTO "trainings" VALUES('20ab635838435a022230444b4af8e947',1,1,1,20,28,20,1,'fp32','rmsprop','{"epochs": 4}','966deb0fd6f3fceb6ba55e449ee4c488',450000,12000000,4,0.7,48000,31.5,'weights.pt','abababababababababababababababababababababababababababababababab',1900000,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:16.000000Z');
INSERT INTO "trainings" VALUES('78556fecb475c77fe3f9e8bf3834ca24',1,2,1,20,28,20,0,'fp32','rmsprop','{"epochs": 4}','966deb0fd6f3fceb6ba55e449ee4c488',450000,12000000,4,0.7,48000,31.5,'weights.pt','abababababababababababababababababababababababababababababababab',1900000,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:25.000000Z');
INSERT INTO "trainings" VALUES('3735ddad1fc56f95399149e2a8924393',1,2,1,20,28,20,1,'fp32','rmsprop','{"epochs": 4}','966deb0fd6f3fceb6ba55e449ee4c488',450000,12000000,4,0.7,48000,31.5,'weights.pt','abababababababababababababababababababababababababababababababab',1900000,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:34.000000Z');
INSERT INTO "trainings" VALUES('fa5ea9ceac0033026775145e048dc180',1,2,2,28,28,20,0,'fp32','rmsprop','{"epochs": 4}','966deb0fd6f3fceb6ba55e449ee4c488',450000,12000000,4,0.7,48000,31.5,'weights.pt','abababababababababababababababababababababababababababababababab',1900000,'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','cccccccccccccccccccccccccccccccc','2026-01-31T12:00:43.000000Z');
CREATE TABLE variants (
	variant_id INTEGER NOT NULL, 
	model_size TEXT NOT NULL, 
	group_size INTEGER NOT NULL, 
	expansion INTEGER NOT NULL, 
	norm TEXT NOT NULL, 
	width DOUBLE NOT NULL, 
	small_images BOOLEAN NOT NULL, 
	CONSTRAINT pk_variants PRIMARY KEY (variant_id), 
	CONSTRAINT ck_variants_positive CHECK (group_size >= 1 AND expansion >= 1 AND width > 0 AND width < 1e6), 
	CONSTRAINT uq_variants_model_size_group_size_expansion_norm_width_small_images UNIQUE (model_size, group_size, expansion, norm, width, small_images)
);
INSERT INTO "variants" VALUES(1,'b0',1,6,'gn',0.25,1);
INSERT INTO "variants" VALUES(2,'b0',16,4,'ln+pn',0.25,1);
INSERT INTO "variants" VALUES(3,'b0',1,6,'gn',1.0,0);
INSERT INTO "variants" VALUES(4,'b1',1,6,'gn',1.0,0);
INSERT INTO "variants" VALUES(5,'b2',1,6,'gn',1.0,0);
INSERT INTO "variants" VALUES(6,'b3',1,6,'gn',1.0,0);
INSERT INTO "variants" VALUES(7,'b4',1,6,'gn',1.0,0);
INSERT INTO "variants" VALUES(8,'b5',1,6,'gn',1.0,0);
CREATE INDEX ix_jobs_changed_at ON jobs (changed_at);
CREATE INDEX ix_jobs_depends_on ON jobs (depends_on);
CREATE INDEX ix_jobs_driver_id ON jobs (driver_id);
CREATE INDEX ix_jobs_state ON jobs (state);
CREATE INDEX ix_sweeps_driver_id ON sweeps (driver_id);
CREATE INDEX ix_attempts_driver_id ON attempts (driver_id);
CREATE INDEX ix_sweep_jobs_fingerprint ON sweep_jobs (fingerprint);
CREATE INDEX ix_measurements_variant_id_mode_resolution ON measurements (variant_id, mode, resolution);
CREATE INDEX ix_trainings_variant_id ON trainings (variant_id);
CREATE INDEX ix_evaluations_training ON evaluations (training);
CREATE VIEW results AS WITH newest AS 
(SELECT ranked.sweep_id AS sweep_id, ranked.measurement_id AS measurement_id, ranked.fingerprint AS fingerprint, ranked.attempt AS attempt, ranked.variant_id AS variant_id, ranked.channels AS channels, ranked.classes AS classes, ranked.mode AS mode, ranked.resolution AS resolution, ranked.precision AS precision, ranked.optimizer AS optimizer, ranked.batch_size_requested AS batch_size_requested, ranked.batch_size AS batch_size, ranked.memory_format AS memory_format, ranked.images_per_second AS images_per_second, ranked.low AS low, ranked.high AS high, ranked.cv AS cv, ranked.warmup_steps AS warmup_steps, ranked.macs AS macs, ranked.params AS params, ranked.peak_memory_bytes AS peak_memory_bytes, ranked.verdict AS verdict, ranked.verdict_reason AS verdict_reason, ranked.conditions AS conditions, ranked.environment_key AS environment_key, ranked.measured_at AS measured_at, ranked.rank AS rank 
FROM (SELECT sweep_jobs.sweep_id AS sweep_id, measurements.measurement_id AS measurement_id, measurements.fingerprint AS fingerprint, measurements.attempt AS attempt, measurements.variant_id AS variant_id, measurements.channels AS channels, measurements.classes AS classes, measurements.mode AS mode, measurements.resolution AS resolution, measurements.precision AS precision, measurements.optimizer AS optimizer, measurements.batch_size_requested AS batch_size_requested, measurements.batch_size AS batch_size, measurements.memory_format AS memory_format, measurements.images_per_second AS images_per_second, measurements.low AS low, measurements.high AS high, measurements.cv AS cv, measurements.warmup_steps AS warmup_steps, measurements.macs AS macs, measurements.params AS params, measurements.peak_memory_bytes AS peak_memory_bytes, measurements.verdict AS verdict, measurements.verdict_reason AS verdict_reason, measurements.conditions AS conditions, measurements.environment_key AS environment_key, measurements.measured_at AS measured_at, row_number() OVER (PARTITION BY sweep_jobs.sweep_id, measurements.environment_key, measurements.variant_id, measurements.channels, measurements.classes, measurements.mode, measurements.resolution, measurements.precision, measurements.optimizer ORDER BY CASE WHEN (measurements.verdict IS NULL) THEN 2 WHEN (measurements.verdict = 'contended') THEN 1 ELSE 0 END, measurements.measurement_id DESC) AS rank 
FROM sweep_jobs JOIN measurements ON measurements.fingerprint = sweep_jobs.fingerprint) AS ranked 
WHERE ranked.rank = 1)
 SELECT sweeps.name AS sweep, 'measured' AS source, 'G' || CAST(variants.group_size AS TEXT) || CASE WHEN (variants.group_size = 1 AND variants.expansion = 6 OR variants.group_size = 16 AND variants.expansion = 4) THEN '' ELSE 'E' || CAST(variants.expansion AS TEXT) END || '-' || upper(variants.norm) || '-' || CASE WHEN (trainings.train_resolution = trainings.native_resolution) THEN 'Native' WHEN (trainings.train_resolution = trainings.half_resolution) THEN 'Half' ELSE CAST(trainings.train_resolution AS TEXT) END AS series, variants.model_size, variants.group_size, variants.expansion, variants.norm, variants.width, variants.small_images, datasets.name AS dataset, datasets.train_images, datasets.test_images, trainings.train_resolution, evaluations.test_resolution, trainings.native_resolution, trainings.half_resolution, trainings.seed, (CAST(evaluations.correct AS DOUBLE) * 100) / (evaluations.images + 0.0) AS top1, (CAST(evaluations.correct_before_fine_tune AS DOUBLE) * 100) / (evaluations.images + 0.0) AS top1_before_fine_tune, (evaluations.correct * 1000000) / evaluations.images AS top1_ppm, evaluations.images, evaluations.correct, evaluations.correct_before_fine_tune, trainings.params, trainings.train_macs, evaluations.test_macs, train_throughput.images_per_second AS train_images_per_second, train_throughput.cv AS train_throughput_cv, train_throughput.verdict AS train_verdict, inference_throughput.images_per_second AS inference_images_per_second, inference_throughput.cv AS inference_throughput_cv, inference_throughput.verdict AS inference_verdict, environments.slot_kind, environments.device, environments.threads, trainings.precision, evaluations.fine_tune_layers, trainings.recipe_digest, evaluations.fine_tune_digest, trainings.fingerprint AS training_run, evaluations.fingerprint AS evaluation, train_throughput.measurement_id AS train_measurement_id, inference_throughput.measurement_id AS inference_measurement_id, places.environment_key, variants.variant_id, datasets.dataset_id, evaluations.finished_at 
FROM evaluations JOIN trainings ON trainings.fingerprint = evaluations.training JOIN variants ON variants.variant_id = trainings.variant_id JOIN datasets ON datasets.dataset_id = trainings.dataset_id JOIN sweep_jobs ON sweep_jobs.fingerprint = evaluations.fingerprint JOIN sweeps ON sweeps.sweep_id = sweep_jobs.sweep_id LEFT OUTER JOIN (SELECT DISTINCT newest.sweep_id AS sweep_id, newest.environment_key AS environment_key 
FROM newest) AS places ON places.sweep_id = sweep_jobs.sweep_id LEFT OUTER JOIN environments ON environments.environment_key = places.environment_key LEFT OUTER JOIN newest AS train_throughput ON train_throughput.sweep_id = places.sweep_id AND train_throughput.environment_key = places.environment_key AND train_throughput.variant_id = trainings.variant_id AND train_throughput.mode = 'train' AND train_throughput.resolution = trainings.train_resolution AND train_throughput.channels = datasets.channels AND train_throughput.classes = datasets.classes AND train_throughput.precision = trainings.precision AND train_throughput.optimizer = trainings.optimizer LEFT OUTER JOIN newest AS inference_throughput ON inference_throughput.sweep_id = places.sweep_id AND inference_throughput.environment_key = places.environment_key AND inference_throughput.variant_id = trainings.variant_id AND inference_throughput.mode = 'inference' AND inference_throughput.resolution = evaluations.test_resolution AND inference_throughput.channels = datasets.channels AND inference_throughput.classes = datasets.classes AND inference_throughput.precision = trainings.precision UNION ALL SELECT CAST(NULL AS TEXT) AS sweep, 'published' AS source, published_results.series, variants.model_size, variants.group_size, variants.expansion, variants.norm, variants.width, variants.small_images, publications.dataset, CAST(NULL AS INTEGER) AS train_images, CAST(NULL AS INTEGER) AS test_images, published_results.train_resolution, published_results.test_resolution, published_results.native_resolution, published_results.half_resolution, CAST(NULL AS BIGINT) AS seed, CAST(published_results.top1_ppm AS DOUBLE) / (10000 + 0.0) AS top1, CAST(NULL AS DOUBLE) AS top1_before_fine_tune, CAST(published_results.top1_ppm AS BIGINT) AS top1_ppm, CAST(NULL AS BIGINT) AS images, CAST(NULL AS BIGINT) AS correct, CAST(NULL AS BIGINT) AS correct_before_fine_tune, published_results.params, published_results.train_macs, CAST(NULL AS BIGINT) AS test_macs, published_results.train_images_per_second, CAST(NULL AS DOUBLE) AS train_throughput_cv, CAST(NULL AS TEXT) AS train_verdict, published_results.inference_images_per_second, CAST(NULL AS DOUBLE) AS inference_throughput_cv, CAST(NULL AS TEXT) AS inference_verdict, published_results.slot_kind, published_results.device, CAST(NULL AS INTEGER) AS threads, CAST(NULL AS TEXT) AS precision, CASE WHEN published_results.fine_tuned THEN CAST(NULL AS TEXT) ELSE 'none' END AS fine_tune_layers, CAST(NULL AS TEXT) AS recipe_digest, CAST(NULL AS TEXT) AS fine_tune_digest, CAST(NULL AS TEXT) AS training_run, CAST(NULL AS TEXT) AS evaluation, CAST(NULL AS BIGINT) AS train_measurement_id, CAST(NULL AS BIGINT) AS inference_measurement_id, CAST(NULL AS TEXT) AS environment_key, variants.variant_id, CAST(NULL AS BIGINT) AS dataset_id, CAST(NULL AS TEXT) AS finished_at 
FROM published_results JOIN publications ON publications.publication_id = published_results.publication_id JOIN variants ON variants.variant_id = published_results.variant_id;
CREATE VIEW variant_results AS SELECT points.source, points.series, variants.model_size, variants.group_size, variants.expansion, variants.norm, variants.width, variants.small_images, points.dataset, datasets.train_images, datasets.test_images, points.train_resolution, points.test_resolution, points.native_resolution, points.half_resolution, points.seeds, CASE WHEN (points.images_sum IS NULL) THEN CAST(points.published_ppm AS DOUBLE) / (10000 + 0.0) ELSE (CAST(points.correct_sum AS DOUBLE) * 100) / (points.images_sum + 0.0) END AS top1_mean, CASE WHEN (points.seeds > 1) THEN sqrt(CAST(points.seeds * points.ppm_squares - points.ppm_sum * points.ppm_sum AS DOUBLE) / ((points.seeds * (points.seeds - 1)) + 0.0)) / (10000 + 0.0) END AS top1_std, coalesce((points.correct_sum * 1000000) / points.images_sum, points.published_ppm) AS top1_ppm, (CAST(points.correct_before_sum AS DOUBLE) * 100) / (points.images_sum + 0.0) AS top1_before_fine_tune_mean, points.images_sum, points.correct_sum, points.params, points.train_macs, points.test_macs, coalesce(train_measurement.images_per_second, points.published_train) AS train_images_per_second, train_measurement.cv AS train_throughput_cv, train_measurement.verdict AS train_verdict, coalesce(inference_measurement.images_per_second, points.published_inference) AS inference_images_per_second, inference_measurement.cv AS inference_throughput_cv, inference_measurement.verdict AS inference_verdict, points.slot_kind, points.device, points.threads, points.precision, points.fine_tune_layers, points.recipe_digest, points.fine_tune_digest, points.train_measurement_id, points.inference_measurement_id, points.variant_id, points.dataset_id, points.finished_at 
FROM (SELECT pooled.source AS source, pooled.series AS series, pooled.variant_id AS variant_id, pooled.dataset AS dataset, pooled.dataset_id AS dataset_id, pooled.train_resolution AS train_resolution, pooled.native_resolution AS native_resolution, pooled.half_resolution AS half_resolution, pooled.recipe_digest AS recipe_digest, pooled.precision AS precision, pooled.test_resolution AS test_resolution, pooled.fine_tune_layers AS fine_tune_layers, pooled.fine_tune_digest AS fine_tune_digest, pooled.slot_kind AS slot_kind, pooled.device AS device, pooled.threads AS threads, pooled.seeds AS seeds, pooled.images_sum AS images_sum, pooled.correct_sum AS correct_sum, pooled.correct_before_sum AS correct_before_sum, pooled.ppm_sum AS ppm_sum, pooled.ppm_squares AS ppm_squares, pooled.published_ppm AS published_ppm, pooled.published_train AS published_train, pooled.published_inference AS published_inference, pooled.params AS params, pooled.train_macs AS train_macs, pooled.test_macs AS test_macs, pooled.train_undisturbed AS train_undisturbed, pooled.train_newest AS train_newest, pooled.inference_undisturbed AS inference_undisturbed, pooled.inference_newest AS inference_newest, pooled.finished_at AS finished_at, coalesce(max(pooled.train_undisturbed) OVER (PARTITION BY pooled.source, pooled.series, pooled.variant_id, pooled.dataset, pooled.dataset_id, pooled.train_resolution, pooled.native_resolution, pooled.half_resolution, pooled.recipe_digest, pooled.precision, pooled.slot_kind, pooled.device, pooled.threads), max(pooled.train_newest) OVER (PARTITION BY pooled.source, pooled.series, pooled.variant_id, pooled.dataset, pooled.dataset_id, pooled.train_resolution, pooled.native_resolution, pooled.half_resolution, pooled.recipe_digest, pooled.precision, pooled.slot_kind, pooled.device, pooled.threads)) AS train_measurement_id, coalesce(pooled.inference_undisturbed, pooled.inference_newest) AS inference_measurement_id 
FROM (SELECT numbered.source AS source, numbered.series AS series, numbered.variant_id AS variant_id, numbered.dataset AS dataset, numbered.dataset_id AS dataset_id, numbered.train_resolution AS train_resolution, numbered.native_resolution AS native_resolution, numbered.half_resolution AS half_resolution, numbered.recipe_digest AS recipe_digest, numbered.precision AS precision, numbered.test_resolution AS test_resolution, numbered.fine_tune_layers AS fine_tune_layers, numbered.fine_tune_digest AS fine_tune_digest, numbered.slot_kind AS slot_kind, numbered.device AS device, numbered.threads AS threads, nullif(count(DISTINCT numbered.evaluation), 0) AS seeds, CAST(sum(CASE WHEN (numbered.copy = 1) THEN numbered.images END) AS BIGINT) AS images_sum, CAST(sum(CASE WHEN (numbered.copy = 1) THEN numbered.correct END) AS BIGINT) AS correct_sum, CAST(sum(CASE WHEN (numbered.copy = 1) THEN numbered.correct_before_fine_tune END) AS BIGINT) AS correct_before_sum, CAST(sum(CASE WHEN (numbered.copy = 1) THEN numbered.top1_ppm END) AS BIGINT) AS ppm_sum, CAST(sum(CASE WHEN (numbered.copy = 1) THEN numbered.top1_ppm * numbered.top1_ppm END) AS BIGINT) AS ppm_squares, max(CASE WHEN (numbered.source = 'published') THEN numbered.top1_ppm END) AS published_ppm, max(CASE WHEN (numbered.source = 'published') THEN numbered.train_images_per_second END) AS published_train, max(CASE WHEN (numbered.source = 'published') THEN numbered.inference_images_per_second END) AS published_inference, max(numbered.params) AS params, max(numbered.train_macs) AS train_macs, max(numbered.test_macs) AS test_macs, max(CASE WHEN (numbered.train_verdict != 'contended') THEN numbered.train_measurement_id END) AS train_undisturbed, max(numbered.train_measurement_id) AS train_newest, max(CASE WHEN (numbered.inference_verdict != 'contended') THEN numbered.inference_measurement_id END) AS inference_undisturbed, max(numbered.inference_measurement_id) AS inference_newest, max(numbered.finished_at) AS finished_at 
FROM (SELECT results.source AS source, results.series AS series, results.variant_id AS variant_id, results.dataset AS dataset, results.dataset_id AS dataset_id, results.train_resolution AS train_resolution, results.native_resolution AS native_resolution, results.half_resolution AS half_resolution, results.recipe_digest AS recipe_digest, results.precision AS precision, results.test_resolution AS test_resolution, results.fine_tune_layers AS fine_tune_layers, results.fine_tune_digest AS fine_tune_digest, results.slot_kind AS slot_kind, results.device AS device, results.threads AS threads, results.evaluation AS evaluation, results.images AS images, results.correct AS correct, results.correct_before_fine_tune AS correct_before_fine_tune, results.top1_ppm AS top1_ppm, results.params AS params, results.train_macs AS train_macs, results.test_macs AS test_macs, results.train_images_per_second AS train_images_per_second, results.train_verdict AS train_verdict, results.train_measurement_id AS train_measurement_id, results.inference_images_per_second AS inference_images_per_second, results.inference_verdict AS inference_verdict, results.inference_measurement_id AS inference_measurement_id, results.finished_at AS finished_at, row_number() OVER (PARTITION BY results.evaluation, results.slot_kind, results.device, results.threads ORDER BY results.sweep, results.environment_key) AS copy 
FROM results) AS numbered GROUP BY numbered.source, numbered.series, numbered.variant_id, numbered.dataset, numbered.dataset_id, numbered.train_resolution, numbered.native_resolution, numbered.half_resolution, numbered.recipe_digest, numbered.precision, numbered.test_resolution, numbered.fine_tune_layers, numbered.fine_tune_digest, numbered.slot_kind, numbered.device, numbered.threads) AS pooled) AS points JOIN variants ON variants.variant_id = points.variant_id LEFT OUTER JOIN datasets ON datasets.dataset_id = points.dataset_id LEFT OUTER JOIN measurements AS train_measurement ON train_measurement.measurement_id = points.train_measurement_id LEFT OUTER JOIN measurements AS inference_measurement ON inference_measurement.measurement_id = points.inference_measurement_id;
CREATE VIEW training_front AS SELECT judged.scenario, judged.images_per_second, judged.source, judged.series, judged.model_size, judged.group_size, judged.expansion, judged.norm, judged.width, judged.small_images, judged.dataset, judged.train_images, judged.test_images, judged.train_resolution, judged.test_resolution, judged.native_resolution, judged.half_resolution, judged.seeds, judged.top1_mean, judged.top1_std, judged.top1_ppm, judged.top1_before_fine_tune_mean, judged.images_sum, judged.correct_sum, judged.params, judged.train_macs, judged.test_macs, judged.train_images_per_second, judged.train_throughput_cv, judged.train_verdict, judged.inference_images_per_second, judged.inference_throughput_cv, judged.inference_verdict, judged.slot_kind, judged.device, judged.threads, judged.precision, judged.fine_tune_layers, judged.recipe_digest, judged.fine_tune_digest, judged.train_measurement_id, judged.inference_measurement_id, judged.variant_id, judged.dataset_id, judged.finished_at 
FROM (SELECT ranked.scenario AS scenario, ranked.images_per_second AS images_per_second, ranked.source AS source, ranked.series AS series, ranked.model_size AS model_size, ranked.group_size AS group_size, ranked.expansion AS expansion, ranked.norm AS norm, ranked.width AS width, ranked.small_images AS small_images, ranked.dataset AS dataset, ranked.train_images AS train_images, ranked.test_images AS test_images, ranked.train_resolution AS train_resolution, ranked.test_resolution AS test_resolution, ranked.native_resolution AS native_resolution, ranked.half_resolution AS half_resolution, ranked.seeds AS seeds, ranked.top1_mean AS top1_mean, ranked.top1_std AS top1_std, ranked.top1_ppm AS top1_ppm, ranked.top1_before_fine_tune_mean AS top1_before_fine_tune_mean, ranked.images_sum AS images_sum, ranked.correct_sum AS correct_sum, ranked.params AS params, ranked.train_macs AS train_macs, ranked.test_macs AS test_macs, ranked.train_images_per_second AS train_images_per_second, ranked.train_throughput_cv AS train_throughput_cv, ranked.train_verdict AS train_verdict, ranked.inference_images_per_second AS inference_images_per_second, ranked.inference_throughput_cv AS inference_throughput_cv, ranked.inference_verdict AS inference_verdict, ranked.slot_kind AS slot_kind, ranked.device AS device, ranked.threads AS threads, ranked.precision AS precision, ranked.fine_tune_layers AS fine_tune_layers, ranked.recipe_digest AS recipe_digest, ranked.fine_tune_digest AS fine_tune_digest, ranked.train_measurement_id AS train_measurement_id, ranked.inference_measurement_id AS inference_measurement_id, ranked.variant_id AS variant_id, ranked.dataset_id AS dataset_id, ranked.finished_at AS finished_at, coalesce(1 - CAST(ranked.best_before >= ranked.top1_ppm AS INTEGER), 1) AS on_front 
FROM (SELECT candidates.scenario AS scenario, candidates.images_per_second AS images_per_second, candidates.source AS source, candidates.series AS series, candidates.model_size AS model_size, candidates.group_size AS group_size, candidates.expansion AS expansion, candidates.norm AS norm, candidates.width AS width, candidates.small_images AS small_images, candidates.dataset AS dataset, candidates.train_images AS train_images, candidates.test_images AS test_images, candidates.train_resolution AS train_resolution, candidates.test_resolution AS test_resolution, candidates.native_resolution AS native_resolution, candidates.half_resolution AS half_resolution, candidates.seeds AS seeds, candidates.top1_mean AS top1_mean, candidates.top1_std AS top1_std, candidates.top1_ppm AS top1_ppm, candidates.top1_before_fine_tune_mean AS top1_before_fine_tune_mean, candidates.images_sum AS images_sum, candidates.correct_sum AS correct_sum, candidates.params AS params, candidates.train_macs AS train_macs, candidates.test_macs AS test_macs, candidates.train_images_per_second AS train_images_per_second, candidates.train_throughput_cv AS train_throughput_cv, candidates.train_verdict AS train_verdict, candidates.inference_images_per_second AS inference_images_per_second, candidates.inference_throughput_cv AS inference_throughput_cv, candidates.inference_verdict AS inference_verdict, candidates.slot_kind AS slot_kind, candidates.device AS device, candidates.threads AS threads, candidates.precision AS precision, candidates.fine_tune_layers AS fine_tune_layers, candidates.recipe_digest AS recipe_digest, candidates.fine_tune_digest AS fine_tune_digest, candidates.train_measurement_id AS train_measurement_id, candidates.inference_measurement_id AS inference_measurement_id, candidates.variant_id AS variant_id, candidates.dataset_id AS dataset_id, candidates.finished_at AS finished_at, max(candidates.top1_ppm) OVER (PARTITION BY candidates.scenario, candidates.source, candidates.dataset, candidates.dataset_id, candidates.precision, candidates.slot_kind, candidates.device, candidates.threads ORDER BY candidates.images_per_second DESC, candidates.top1_ppm DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS best_before 
FROM (SELECT scenarios.scenario AS scenario, CAST(tested.train_images_per_second AS DOUBLE) AS images_per_second, tested.source AS source, tested.series AS series, tested.model_size AS model_size, tested.group_size AS group_size, tested.expansion AS expansion, tested.norm AS norm, tested.width AS width, tested.small_images AS small_images, tested.dataset AS dataset, tested.train_images AS train_images, tested.test_images AS test_images, tested.train_resolution AS train_resolution, tested.test_resolution AS test_resolution, tested.native_resolution AS native_resolution, tested.half_resolution AS half_resolution, tested.seeds AS seeds, tested.top1_mean AS top1_mean, tested.top1_std AS top1_std, tested.top1_ppm AS top1_ppm, tested.top1_before_fine_tune_mean AS top1_before_fine_tune_mean, tested.images_sum AS images_sum, tested.correct_sum AS correct_sum, tested.params AS params, tested.train_macs AS train_macs, tested.test_macs AS test_macs, tested.train_images_per_second AS train_images_per_second, tested.train_throughput_cv AS train_throughput_cv, tested.train_verdict AS train_verdict, tested.inference_images_per_second AS inference_images_per_second, tested.inference_throughput_cv AS inference_throughput_cv, tested.inference_verdict AS inference_verdict, tested.slot_kind AS slot_kind, tested.device AS device, tested.threads AS threads, tested.precision AS precision, tested.fine_tune_layers AS fine_tune_layers, tested.recipe_digest AS recipe_digest, tested.fine_tune_digest AS fine_tune_digest, tested.train_measurement_id AS train_measurement_id, tested.inference_measurement_id AS inference_measurement_id, tested.variant_id AS variant_id, tested.dataset_id AS dataset_id, tested.finished_at AS finished_at 
FROM (SELECT variant_results.source AS source, variant_results.series AS series, variant_results.model_size AS model_size, variant_results.group_size AS group_size, variant_results.expansion AS expansion, variant_results.norm AS norm, variant_results.width AS width, variant_results.small_images AS small_images, variant_results.dataset AS dataset, variant_results.train_images AS train_images, variant_results.test_images AS test_images, variant_results.train_resolution AS train_resolution, variant_results.test_resolution AS test_resolution, variant_results.native_resolution AS native_resolution, variant_results.half_resolution AS half_resolution, variant_results.seeds AS seeds, variant_results.top1_mean AS top1_mean, variant_results.top1_std AS top1_std, variant_results.top1_ppm AS top1_ppm, variant_results.top1_before_fine_tune_mean AS top1_before_fine_tune_mean, variant_results.images_sum AS images_sum, variant_results.correct_sum AS correct_sum, variant_results.params AS params, variant_results.train_macs AS train_macs, variant_results.test_macs AS test_macs, variant_results.train_images_per_second AS train_images_per_second, variant_results.train_throughput_cv AS train_throughput_cv, variant_results.train_verdict AS train_verdict, variant_results.inference_images_per_second AS inference_images_per_second, variant_results.inference_throughput_cv AS inference_throughput_cv, variant_results.inference_verdict AS inference_verdict, variant_results.slot_kind AS slot_kind, variant_results.device AS device, variant_results.threads AS threads, variant_results.precision AS precision, variant_results.fine_tune_layers AS fine_tune_layers, variant_results.recipe_digest AS recipe_digest, variant_results.fine_tune_digest AS fine_tune_digest, variant_results.train_measurement_id AS train_measurement_id, variant_results.inference_measurement_id AS inference_measurement_id, variant_results.variant_id AS variant_id, variant_results.dataset_id AS dataset_id, variant_results.finished_at AS finished_at, row_number() OVER (PARTITION BY variant_results.source, variant_results.series, variant_results.variant_id, variant_results.dataset, variant_results.dataset_id, variant_results.train_resolution, variant_results.native_resolution, variant_results.half_resolution, variant_results.recipe_digest, variant_results.precision, variant_results.slot_kind, variant_results.device, variant_results.threads, variant_results.fine_tune_digest ORDER BY variant_results.top1_ppm DESC, coalesce(variant_results.test_resolution, 0)) AS ranking 
FROM variant_results) AS tested JOIN (SELECT 'native' AS scenario UNION ALL SELECT 'best' AS scenario UNION ALL SELECT 'all' AS scenario) AS scenarios ON scenarios.scenario = 'all' OR scenarios.scenario = 'native' AND tested.test_resolution = tested.native_resolution OR scenarios.scenario = 'best' AND tested.ranking = 1 
WHERE tested.train_images_per_second IS NOT NULL AND coalesce(tested.train_verdict, 'clean') != 'contended') AS candidates) AS ranked) AS judged 
WHERE judged.on_front = 1;
CREATE VIEW inference_front AS SELECT judged.scenario, judged.images_per_second, judged.source, judged.series, judged.model_size, judged.group_size, judged.expansion, judged.norm, judged.width, judged.small_images, judged.dataset, judged.train_images, judged.test_images, judged.train_resolution, judged.test_resolution, judged.native_resolution, judged.half_resolution, judged.seeds, judged.top1_mean, judged.top1_std, judged.top1_ppm, judged.top1_before_fine_tune_mean, judged.images_sum, judged.correct_sum, judged.params, judged.train_macs, judged.test_macs, judged.train_images_per_second, judged.train_throughput_cv, judged.train_verdict, judged.inference_images_per_second, judged.inference_throughput_cv, judged.inference_verdict, judged.slot_kind, judged.device, judged.threads, judged.precision, judged.fine_tune_layers, judged.recipe_digest, judged.fine_tune_digest, judged.train_measurement_id, judged.inference_measurement_id, judged.variant_id, judged.dataset_id, judged.finished_at 
FROM (SELECT ranked.scenario AS scenario, ranked.images_per_second AS images_per_second, ranked.source AS source, ranked.series AS series, ranked.model_size AS model_size, ranked.group_size AS group_size, ranked.expansion AS expansion, ranked.norm AS norm, ranked.width AS width, ranked.small_images AS small_images, ranked.dataset AS dataset, ranked.train_images AS train_images, ranked.test_images AS test_images, ranked.train_resolution AS train_resolution, ranked.test_resolution AS test_resolution, ranked.native_resolution AS native_resolution, ranked.half_resolution AS half_resolution, ranked.seeds AS seeds, ranked.top1_mean AS top1_mean, ranked.top1_std AS top1_std, ranked.top1_ppm AS top1_ppm, ranked.top1_before_fine_tune_mean AS top1_before_fine_tune_mean, ranked.images_sum AS images_sum, ranked.correct_sum AS correct_sum, ranked.params AS params, ranked.train_macs AS train_macs, ranked.test_macs AS test_macs, ranked.train_images_per_second AS train_images_per_second, ranked.train_throughput_cv AS train_throughput_cv, ranked.train_verdict AS train_verdict, ranked.inference_images_per_second AS inference_images_per_second, ranked.inference_throughput_cv AS inference_throughput_cv, ranked.inference_verdict AS inference_verdict, ranked.slot_kind AS slot_kind, ranked.device AS device, ranked.threads AS threads, ranked.precision AS precision, ranked.fine_tune_layers AS fine_tune_layers, ranked.recipe_digest AS recipe_digest, ranked.fine_tune_digest AS fine_tune_digest, ranked.train_measurement_id AS train_measurement_id, ranked.inference_measurement_id AS inference_measurement_id, ranked.variant_id AS variant_id, ranked.dataset_id AS dataset_id, ranked.finished_at AS finished_at, coalesce(1 - CAST(ranked.best_before >= ranked.top1_ppm AS INTEGER), 1) AS on_front 
FROM (SELECT candidates.scenario AS scenario, candidates.images_per_second AS images_per_second, candidates.source AS source, candidates.series AS series, candidates.model_size AS model_size, candidates.group_size AS group_size, candidates.expansion AS expansion, candidates.norm AS norm, candidates.width AS width, candidates.small_images AS small_images, candidates.dataset AS dataset, candidates.train_images AS train_images, candidates.test_images AS test_images, candidates.train_resolution AS train_resolution, candidates.test_resolution AS test_resolution, candidates.native_resolution AS native_resolution, candidates.half_resolution AS half_resolution, candidates.seeds AS seeds, candidates.top1_mean AS top1_mean, candidates.top1_std AS top1_std, candidates.top1_ppm AS top1_ppm, candidates.top1_before_fine_tune_mean AS top1_before_fine_tune_mean, candidates.images_sum AS images_sum, candidates.correct_sum AS correct_sum, candidates.params AS params, candidates.train_macs AS train_macs, candidates.test_macs AS test_macs, candidates.train_images_per_second AS train_images_per_second, candidates.train_throughput_cv AS train_throughput_cv, candidates.train_verdict AS train_verdict, candidates.inference_images_per_second AS inference_images_per_second, candidates.inference_throughput_cv AS inference_throughput_cv, candidates.inference_verdict AS inference_verdict, candidates.slot_kind AS slot_kind, candidates.device AS device, candidates.threads AS threads, candidates.precision AS precision, candidates.fine_tune_layers AS fine_tune_layers, candidates.recipe_digest AS recipe_digest, candidates.fine_tune_digest AS fine_tune_digest, candidates.train_measurement_id AS train_measurement_id, candidates.inference_measurement_id AS inference_measurement_id, candidates.variant_id AS variant_id, candidates.dataset_id AS dataset_id, candidates.finished_at AS finished_at, max(candidates.top1_ppm) OVER (PARTITION BY candidates.scenario, candidates.source, candidates.dataset, candidates.dataset_id, candidates.precision, candidates.slot_kind, candidates.device, candidates.threads ORDER BY candidates.images_per_second DESC, candidates.top1_ppm DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS best_before 
FROM (SELECT scenarios.scenario AS scenario, CAST(tested.inference_images_per_second AS DOUBLE) AS images_per_second, tested.source AS source, tested.series AS series, tested.model_size AS model_size, tested.group_size AS group_size, tested.expansion AS expansion, tested.norm AS norm, tested.width AS width, tested.small_images AS small_images, tested.dataset AS dataset, tested.train_images AS train_images, tested.test_images AS test_images, tested.train_resolution AS train_resolution, tested.test_resolution AS test_resolution, tested.native_resolution AS native_resolution, tested.half_resolution AS half_resolution, tested.seeds AS seeds, tested.top1_mean AS top1_mean, tested.top1_std AS top1_std, tested.top1_ppm AS top1_ppm, tested.top1_before_fine_tune_mean AS top1_before_fine_tune_mean, tested.images_sum AS images_sum, tested.correct_sum AS correct_sum, tested.params AS params, tested.train_macs AS train_macs, tested.test_macs AS test_macs, tested.train_images_per_second AS train_images_per_second, tested.train_throughput_cv AS train_throughput_cv, tested.train_verdict AS train_verdict, tested.inference_images_per_second AS inference_images_per_second, tested.inference_throughput_cv AS inference_throughput_cv, tested.inference_verdict AS inference_verdict, tested.slot_kind AS slot_kind, tested.device AS device, tested.threads AS threads, tested.precision AS precision, tested.fine_tune_layers AS fine_tune_layers, tested.recipe_digest AS recipe_digest, tested.fine_tune_digest AS fine_tune_digest, tested.train_measurement_id AS train_measurement_id, tested.inference_measurement_id AS inference_measurement_id, tested.variant_id AS variant_id, tested.dataset_id AS dataset_id, tested.finished_at AS finished_at 
FROM (SELECT variant_results.source AS source, variant_results.series AS series, variant_results.model_size AS model_size, variant_results.group_size AS group_size, variant_results.expansion AS expansion, variant_results.norm AS norm, variant_results.width AS width, variant_results.small_images AS small_images, variant_results.dataset AS dataset, variant_results.train_images AS train_images, variant_results.test_images AS test_images, variant_results.train_resolution AS train_resolution, variant_results.test_resolution AS test_resolution, variant_results.native_resolution AS native_resolution, variant_results.half_resolution AS half_resolution, variant_results.seeds AS seeds, variant_results.top1_mean AS top1_mean, variant_results.top1_std AS top1_std, variant_results.top1_ppm AS top1_ppm, variant_results.top1_before_fine_tune_mean AS top1_before_fine_tune_mean, variant_results.images_sum AS images_sum, variant_results.correct_sum AS correct_sum, variant_results.params AS params, variant_results.train_macs AS train_macs, variant_results.test_macs AS test_macs, variant_results.train_images_per_second AS train_images_per_second, variant_results.train_throughput_cv AS train_throughput_cv, variant_results.train_verdict AS train_verdict, variant_results.inference_images_per_second AS inference_images_per_second, variant_results.inference_throughput_cv AS inference_throughput_cv, variant_results.inference_verdict AS inference_verdict, variant_results.slot_kind AS slot_kind, variant_results.device AS device, variant_results.threads AS threads, variant_results.precision AS precision, variant_results.fine_tune_layers AS fine_tune_layers, variant_results.recipe_digest AS recipe_digest, variant_results.fine_tune_digest AS fine_tune_digest, variant_results.train_measurement_id AS train_measurement_id, variant_results.inference_measurement_id AS inference_measurement_id, variant_results.variant_id AS variant_id, variant_results.dataset_id AS dataset_id, variant_results.finished_at AS finished_at, row_number() OVER (PARTITION BY variant_results.source, variant_results.series, variant_results.variant_id, variant_results.dataset, variant_results.dataset_id, variant_results.train_resolution, variant_results.native_resolution, variant_results.half_resolution, variant_results.recipe_digest, variant_results.precision, variant_results.slot_kind, variant_results.device, variant_results.threads, variant_results.fine_tune_digest ORDER BY variant_results.top1_ppm DESC, coalesce(variant_results.test_resolution, 0)) AS ranking 
FROM variant_results) AS tested JOIN (SELECT 'native' AS scenario UNION ALL SELECT 'best' AS scenario UNION ALL SELECT 'all' AS scenario) AS scenarios ON scenarios.scenario = 'all' OR scenarios.scenario = 'native' AND tested.test_resolution = tested.native_resolution OR scenarios.scenario = 'best' AND tested.ranking = 1 
WHERE tested.inference_images_per_second IS NOT NULL AND coalesce(tested.inference_verdict, 'clean') != 'contended') AS candidates) AS ranked) AS judged 
WHERE judged.on_front = 1;
COMMIT;
