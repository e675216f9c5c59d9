DROP INDEX `outbox_by_state` ON `outbox`;--> statement-breakpoint
CREATE INDEX `outbox_by_state` ON `outbox` (`state`,`subscriber`,`sequence`);