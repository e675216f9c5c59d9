CREATE TABLE `checkouts` (
	`order_id` binary(16) NOT NULL,
	`user_id` binary(16) NOT NULL,
	`idempotency_key` varchar(128) COLLATE utf8mb4_bin NOT NULL,
	`state` varchar(16) NOT NULL,
	`reached` varchar(32) NOT NULL,
	`fence` int NOT NULL DEFAULT 1,
	`leased_until` datetime(3) NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `checkouts_order_id` PRIMARY KEY(`order_id`)
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
CREATE TABLE `order_events` (
	`id` binary(16) NOT NULL,
	`order_id` binary(16) NOT NULL,
	`version` int NOT NULL,
	`from_status` varchar(16),
	`to_status` varchar(16) NOT NULL,
	`actor` varchar(16) NOT NULL,
	`message` varchar(500),
	`caused_by` binary(16),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `order_events_id` PRIMARY KEY(`id`),
	CONSTRAINT `order_events_by_order` UNIQUE(`order_id`,`version`),
	CONSTRAINT `order_events_by_cause` UNIQUE(`caused_by`)
);
--> statement-breakpoint
CREATE TABLE `order_lines` (
	`id` binary(16) NOT NULL,
	`order_id` binary(16) NOT NULL,
	`position` smallint NOT NULL,
	`variant_id` binary(16) NOT NULL,
	`sku` varchar(200) NOT NULL,
	`title` varchar(500) NOT NULL,
	`unit_price_minor` bigint NOT NULL,
	`quantity` int NOT NULL,
	CONSTRAINT `order_lines_id` PRIMARY KEY(`id`),
	CONSTRAINT `order_lines_by_order` UNIQUE(`order_id`,`position`),
	CONSTRAINT `order_lines_by_variant` UNIQUE(`order_id`,`variant_id`),
	CONSTRAINT `order_lines_amounts` CHECK(unit_price_minor >= 0 AND quantity BETWEEN 1 AND 999)
);
--> statement-breakpoint
CREATE TABLE `orders` (
	`id` binary(16) NOT NULL,
	`number` varchar(12) COLLATE utf8mb4_bin NOT NULL,
	`user_id` binary(16) NOT NULL,
	`status` varchar(16) NOT NULL,
	`version` int NOT NULL,
	`email` varchar(254),
	`currency_code` char(3) NOT NULL,
	`subtotal_minor` bigint NOT NULL,
	`shipping_minor` bigint NOT NULL,
	`tax_minor` bigint NOT NULL,
	`total_minor` bigint NOT NULL,
	`recipient` varchar(200) NOT NULL,
	`phone` varchar(64),
	`line1` varchar(300) NOT NULL,
	`line2` varchar(300),
	`city` varchar(200) NOT NULL,
	`region` varchar(200),
	`postal_code` varchar(40),
	`country_code` char(2) NOT NULL,
	`note` varchar(500),
	`staff_note` varchar(500),
	`cancel_reason` varchar(20),
	`payment_due_at` datetime(3),
	`cart_id` binary(16),
	`live_cart_version` int,
	`placed_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `orders_id` PRIMARY KEY(`id`),
	CONSTRAINT `orders_by_number` UNIQUE(`number`),
	CONSTRAINT `orders_live_by_cart` UNIQUE(`cart_id`,`live_cart_version`),
	CONSTRAINT `orders_total` CHECK(total_minor = subtotal_minor + shipping_minor + tax_minor),
	CONSTRAINT `orders_amounts` CHECK(subtotal_minor >= 0 AND shipping_minor >= 0 AND tax_minor >= 0)
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
CREATE INDEX `checkouts_by_lease` ON `checkouts` (`state`,`leased_until`);--> statement-breakpoint
CREATE INDEX `checkouts_by_key` ON `checkouts` (`user_id`,`idempotency_key`);--> statement-breakpoint
CREATE INDEX `checkouts_by_age` ON `checkouts` (`state`,`updated_at`);--> statement-breakpoint
CREATE INDEX `orders_by_user` ON `orders` (`user_id`,`placed_at`,`id`);--> statement-breakpoint
CREATE INDEX `orders_by_placing` ON `orders` (`placed_at`,`id`);--> statement-breakpoint
CREATE INDEX `orders_by_status` ON `orders` (`status`,`placed_at`,`id`);--> statement-breakpoint
CREATE INDEX `orders_by_total` ON `orders` (`total_minor`,`id`);--> statement-breakpoint
CREATE INDEX `orders_by_email` ON `orders` (`email`);--> statement-breakpoint
CREATE INDEX `orders_by_due` ON `orders` (`status`,`payment_due_at`);--> statement-breakpoint
CREATE INDEX `outbox_by_state` ON `outbox` (`state`,`sequence`);--> statement-breakpoint
CREATE INDEX `outbox_by_aggregate` ON `outbox` (`subscriber`,`aggregate_id`,`sequence`);