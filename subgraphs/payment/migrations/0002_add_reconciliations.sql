CREATE TABLE `reconciliation_mismatches` (
	`reconciliation_id` binary(16) NOT NULL,
	`position` int NOT NULL,
	`kind` varchar(24) NOT NULL,
	`payment_id` binary(16),
	`provider_reference` varchar(64),
	`expected_minor` bigint,
	`expected_currency` char(3),
	`found_minor` bigint,
	`found_currency` char(3),
	CONSTRAINT `reconciliation_mismatches_reconciliation_id_position_pk` PRIMARY KEY(`reconciliation_id`,`position`)
);
--> statement-breakpoint
CREATE TABLE `reconciliations` (
	`id` binary(16) NOT NULL,
	`provider` varchar(16) NOT NULL,
	`day` char(10) NOT NULL,
	`is_running` boolean,
	`leased_until` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`matched` int NOT NULL DEFAULT 0,
	`repaired` int NOT NULL DEFAULT 0,
	`mismatch_count` int NOT NULL DEFAULT 0,
	`failure` varchar(200),
	`started_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`finished_at` datetime(3),
	CONSTRAINT `reconciliations_id` PRIMARY KEY(`id`),
	CONSTRAINT `reconciliations_running` UNIQUE(`provider`,`day`,`is_running`)
);
--> statement-breakpoint
CREATE INDEX `reconciliations_due` ON `reconciliations` (`is_running`,`leased_until`);--> statement-breakpoint
CREATE INDEX `payments_by_day` ON `payments` (`provider`,`created_at`);