CREATE TABLE `event_failures` (
	`event_id` binary(16) NOT NULL,
	`failures` int NOT NULL DEFAULT 1,
	`last_error` varchar(500) NOT NULL,
	`last_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `event_failures_event_id` PRIMARY KEY(`event_id`)
);
--> statement-breakpoint
DROP INDEX `outbox_by_state` ON `outbox`;--> statement-breakpoint
CREATE INDEX `outbox_by_state` ON `outbox` (`state`,`subscriber`,`sequence`);