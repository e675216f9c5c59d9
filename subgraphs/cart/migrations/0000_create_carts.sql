CREATE TABLE `cart_lines` (
	`id` binary(16) NOT NULL,
	`cart_id` binary(16) NOT NULL,
	`variant_id` binary(16) NOT NULL,
	`quantity` int NOT NULL,
	`is_selected` boolean NOT NULL DEFAULT true,
	`added_unit_price_minor` bigint NOT NULL,
	`added_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `cart_lines_id` PRIMARY KEY(`id`),
	CONSTRAINT `cart_lines_by_cart_and_variant` UNIQUE(`cart_id`,`variant_id`),
	CONSTRAINT `cart_lines_quantity` CHECK(quantity BETWEEN 1 AND 999)
);
--> statement-breakpoint
CREATE TABLE `carts` (
	`id` binary(16) NOT NULL,
	`owner_id` binary(16),
	`currency_code` char(3) NOT NULL,
	`note` varchar(500),
	`version` int NOT NULL DEFAULT 1,
	`expires_at` datetime(3) NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `carts_id` PRIMARY KEY(`id`),
	CONSTRAINT `carts_by_owner` UNIQUE(`owner_id`)
);
--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`owner` varchar(40) NOT NULL,
	`operation` varchar(40) NOT NULL,
	`idempotency_key` varchar(128) COLLATE utf8mb4_bin NOT NULL,
	`fingerprint` varchar(64) NOT NULL,
	`fence` int NOT NULL DEFAULT 1,
	`leased_until` datetime(3) NOT NULL,
	`answer` json,
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `idempotency_keys_owner_operation_idempotency_key_pk` PRIMARY KEY(`owner`,`operation`,`idempotency_key`)
);
--> statement-breakpoint
CREATE TABLE `inbox` (
	`event_id` binary(16) NOT NULL,
	`type` varchar(64) NOT NULL,
	`handled_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `inbox_event_id` PRIMARY KEY(`event_id`)
);
--> statement-breakpoint
CREATE TABLE `merged_carts` (
	`guest_cart_id` binary(16) NOT NULL,
	`owner_id` binary(16) NOT NULL,
	`merged_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `merged_carts_guest_cart_id` PRIMARY KEY(`guest_cart_id`)
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
CREATE TABLE `variant_facts` (
	`variant_id` binary(16) NOT NULL,
	`title` varchar(500) NOT NULL,
	`price_minor` bigint NOT NULL,
	`currency_code` char(3) NOT NULL,
	`available` int NOT NULL,
	`is_sellable` boolean NOT NULL,
	`stated_at` datetime(3) NOT NULL,
	CONSTRAINT `variant_facts_variant_id` PRIMARY KEY(`variant_id`)
);
--> statement-breakpoint
CREATE INDEX `carts_by_expiry` ON `carts` (`expires_at`);--> statement-breakpoint
CREATE INDEX `merged_carts_by_owner` ON `merged_carts` (`owner_id`);--> statement-breakpoint
CREATE INDEX `merged_carts_by_age` ON `merged_carts` (`merged_at`);--> statement-breakpoint
CREATE INDEX `outbox_by_state` ON `outbox` (`state`,`sequence`);--> statement-breakpoint
CREATE INDEX `outbox_by_aggregate` ON `outbox` (`subscriber`,`aggregate_id`,`sequence`);