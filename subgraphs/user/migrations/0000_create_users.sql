CREATE TABLE `access_changes` (
	`version` bigint unsigned NOT NULL,
	`kind` varchar(8) NOT NULL,
	`subject` varchar(64) NOT NULL,
	`changed_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `access_changes_version_kind_subject_pk` PRIMARY KEY(`version`,`kind`,`subject`)
);
--> statement-breakpoint
CREATE TABLE `access_entries` (
	`id` binary(16) NOT NULL,
	`effect` varchar(8) NOT NULL,
	`kind` varchar(16) NOT NULL,
	`subject` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`reason` varchar(500),
	`expires_at` datetime(3),
	`created_by` binary(16) NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `access_entries_id` PRIMARY KEY(`id`),
	CONSTRAINT `access_entries_by_subject` UNIQUE(`kind`,`subject`)
);
--> statement-breakpoint
CREATE TABLE `access_version` (
	`id` int NOT NULL,
	`version` bigint unsigned NOT NULL,
	CONSTRAINT `access_version_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE `addresses` (
	`id` binary(16) NOT NULL,
	`user_id` binary(16) NOT NULL,
	`default_of` binary(16),
	`recipient` varchar(100) NOT NULL,
	`phone` varchar(32),
	`line1` varchar(200) NOT NULL,
	`line2` varchar(200),
	`city` varchar(100) NOT NULL,
	`region` varchar(100),
	`postal_code` varchar(20),
	`country_code` char(2) NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `addresses_id` PRIMARY KEY(`id`),
	CONSTRAINT `addresses_by_default` UNIQUE(`default_of`)
);
--> statement-breakpoint
CREATE TABLE `attempts` (
	`kind` varchar(16) NOT NULL,
	`subject` binary(32) NOT NULL,
	`count` int NOT NULL,
	`blocked_until` datetime(3) NOT NULL,
	`last_at` datetime(3) NOT NULL,
	CONSTRAINT `attempts_kind_subject_pk` PRIMARY KEY(`kind`,`subject`)
);
--> statement-breakpoint
CREATE TABLE `mailed_tokens` (
	`user_id` binary(16) NOT NULL,
	`purpose` varchar(16) NOT NULL,
	`hash` binary(32) NOT NULL,
	`expires_at` datetime(3) NOT NULL,
	CONSTRAINT `mailed_tokens_user_id_purpose_pk` PRIMARY KEY(`user_id`,`purpose`),
	CONSTRAINT `mailed_tokens_by_hash` UNIQUE(`hash`)
);
--> statement-breakpoint
CREATE TABLE `mails` (
	`id` bigint unsigned AUTO_INCREMENT NOT NULL,
	`user_id` binary(16) NOT NULL,
	`kind` varchar(24) NOT NULL,
	`state` varchar(8) NOT NULL,
	`attempts` int NOT NULL DEFAULT 0,
	`due_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`last_error` varchar(200),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`sent_at` datetime(3),
	CONSTRAINT `mails_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE `outbox` (
	`sequence` bigint unsigned AUTO_INCREMENT NOT NULL,
	`event_id` binary(16) NOT NULL,
	`subscriber` varchar(16) NOT NULL,
	`type` varchar(64) NOT NULL,
	`aggregate_id` varchar(64) NOT NULL,
	`payload` json NOT NULL,
	`trace` json NOT NULL,
	`state` varchar(16) NOT NULL,
	`last_error` varchar(500),
	`occurred_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`queued_at` datetime(3),
	`delivered_at` datetime(3),
	CONSTRAINT `outbox_sequence` PRIMARY KEY(`sequence`),
	CONSTRAINT `outbox_event` UNIQUE(`event_id`,`subscriber`)
);
--> statement-breakpoint
CREATE TABLE `refresh_tokens` (
	`hash` binary(32) NOT NULL,
	`session_id` binary(16) NOT NULL,
	`expires_at` datetime(3) NOT NULL,
	`used_at` datetime(3),
	`successor_hash` binary(32),
	`sealed_successor` varbinary(128),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `refresh_tokens_hash` PRIMARY KEY(`hash`)
);
--> statement-breakpoint
CREATE TABLE `role_grants` (
	`role` varchar(24) NOT NULL,
	`scopes` varchar(2000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`version` int NOT NULL DEFAULT 1,
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `role_grants_role` PRIMARY KEY(`role`)
);
--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` binary(16) NOT NULL,
	`user_id` binary(16) NOT NULL,
	`user_agent` varchar(256),
	`ip_country` char(2),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`last_seen_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`expires_at` datetime(3) NOT NULL,
	`ends_at` datetime(3) NOT NULL,
	`revoked_at` datetime(3),
	`revoked_because` varchar(24),
	CONSTRAINT `sessions_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE `signing_keys` (
	`kid` varchar(64) NOT NULL,
	`slot` varchar(8),
	`public_key` varchar(64) NOT NULL,
	`sealed_private_key` varbinary(255) NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`activated_at` datetime(3),
	`retired_at` datetime(3),
	CONSTRAINT `signing_keys_kid` PRIMARY KEY(`kid`),
	CONSTRAINT `signing_keys_by_slot` UNIQUE(`slot`)
);
--> statement-breakpoint
CREATE TABLE `staff_roles` (
	`user_id` binary(16) NOT NULL,
	`role` varchar(24) NOT NULL,
	`granted_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `staff_roles_user_id_role_pk` PRIMARY KEY(`user_id`,`role`),
	CONSTRAINT `staff_roles_by_role` UNIQUE(`role`,`user_id`)
);
--> statement-breakpoint
CREATE TABLE `users` (
	`id` binary(16) NOT NULL,
	`email` varchar(254),
	`email_key` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`email_domain` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`email_verified_at` datetime(3),
	`password_hash` varchar(255),
	`display_name` varchar(80) NOT NULL,
	`phone` varchar(32),
	`locale` varchar(35),
	`avatar_url` varchar(2048),
	`suspended_at` datetime(3),
	`suspended_until` datetime(3),
	`suspension_reason` varchar(500),
	`deleted_at` datetime(3),
	`last_sign_in_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`version` int NOT NULL DEFAULT 1,
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `users_id` PRIMARY KEY(`id`),
	CONSTRAINT `users_by_email` UNIQUE(`email_key`)
);
--> statement-breakpoint
CREATE INDEX `access_changes_by_age` ON `access_changes` (`changed_at`);--> statement-breakpoint
CREATE INDEX `addresses_by_user` ON `addresses` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `attempts_by_age` ON `attempts` (`last_at`);--> statement-breakpoint
CREATE INDEX `mails_by_due` ON `mails` (`state`,`due_at`);--> statement-breakpoint
CREATE INDEX `mails_by_age` ON `mails` (`created_at`);--> statement-breakpoint
CREATE INDEX `outbox_by_state` ON `outbox` (`state`,`sequence`);--> statement-breakpoint
CREATE INDEX `outbox_by_aggregate` ON `outbox` (`subscriber`,`aggregate_id`,`sequence`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_by_session` ON `refresh_tokens` (`session_id`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_by_expiry` ON `refresh_tokens` (`expires_at`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_by_use` ON `refresh_tokens` (`used_at`);--> statement-breakpoint
CREATE INDEX `sessions_by_user` ON `sessions` (`user_id`,`revoked_at`,`last_seen_at`);--> statement-breakpoint
CREATE INDEX `sessions_by_expiry` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE INDEX `users_by_display_name` ON `users` (`display_name`);--> statement-breakpoint
CREATE INDEX `users_by_created` ON `users` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_last_sign_in` ON `users` (`last_sign_in_at`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_email_domain` ON `users` (`email_domain`);--> statement-breakpoint
CREATE INDEX `users_by_suspension` ON `users` (`suspended_until`);