CREATE TABLE `brands` (
	`id` binary(16) NOT NULL,
	`slug` varchar(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`name` varchar(100) NOT NULL,
	`logo_id` binary(16),
	`logo_url` varchar(2048),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `brands_id` PRIMARY KEY(`id`),
	CONSTRAINT `brands_by_slug` UNIQUE(`slug`)
);
--> statement-breakpoint
CREATE TABLE `categories` (
	`id` binary(16) NOT NULL,
	`slug` varchar(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`name` varchar(100) NOT NULL,
	`parent_id` binary(16),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `categories_id` PRIMARY KEY(`id`),
	CONSTRAINT `categories_by_slug` UNIQUE(`slug`)
);
--> statement-breakpoint
CREATE TABLE `category_paths` (
	`ancestor_id` binary(16) NOT NULL,
	`descendant_id` binary(16) NOT NULL,
	`distance` tinyint NOT NULL,
	CONSTRAINT `category_paths_ancestor_id_descendant_id_pk` PRIMARY KEY(`ancestor_id`,`descendant_id`)
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
CREATE TABLE `product_descriptions` (
	`product_id` binary(16) NOT NULL,
	`description` mediumtext NOT NULL,
	CONSTRAINT `product_descriptions_product_id` PRIMARY KEY(`product_id`)
);
--> statement-breakpoint
CREATE TABLE `product_facet_values` (
	`product_id` binary(16) NOT NULL,
	`facet` varchar(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`value` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	CONSTRAINT `product_facet_values_product_id_facet_value_pk` PRIMARY KEY(`product_id`,`facet`,`value`)
);
--> statement-breakpoint
CREATE TABLE `product_media` (
	`id` binary(16) NOT NULL,
	`product_id` binary(16) NOT NULL,
	`position` smallint NOT NULL,
	`kind` varchar(5) NOT NULL,
	`url` varchar(2048) NOT NULL,
	`alt_text` varchar(500),
	`width` int,
	`height` int,
	CONSTRAINT `product_media_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE `product_search` (
	`product_id` binary(16) NOT NULL,
	`title_terms` mediumtext CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`body_terms` mediumtext CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`facets` text NOT NULL,
	`is_available` boolean NOT NULL,
	CONSTRAINT `product_search_product_id` PRIMARY KEY(`product_id`)
);
--> statement-breakpoint
CREATE TABLE `product_variants` (
	`id` binary(16) NOT NULL,
	`product_id` binary(16) NOT NULL,
	`position` smallint NOT NULL,
	`sku` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`title` varchar(200) NOT NULL,
	`price_minor` bigint NOT NULL,
	`compare_at_price_minor` bigint,
	`currency_code` char(3) NOT NULL,
	`selected_options` json NOT NULL,
	`image_id` binary(16),
	`deleted_at` datetime(3),
	`live_sku` varchar(64) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS ((IF(deleted_at IS NULL, sku, NULL))) STORED,
	CONSTRAINT `product_variants_id` PRIMARY KEY(`id`),
	CONSTRAINT `variants_by_live_sku` UNIQUE(`live_sku`)
);
--> statement-breakpoint
CREATE TABLE `products` (
	`id` binary(16) NOT NULL,
	`slug` varchar(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`title` varchar(200) NOT NULL,
	`status` varchar(8) NOT NULL,
	`category_id` binary(16),
	`brand_id` binary(16),
	`tags` json NOT NULL,
	`version` int NOT NULL DEFAULT 1,
	`currency_code` char(3) NOT NULL,
	`min_price_minor` bigint NOT NULL,
	`max_price_minor` bigint NOT NULL,
	`is_available` boolean NOT NULL,
	`sold_count` int NOT NULL DEFAULT 0,
	`is_index_stale` boolean NOT NULL DEFAULT false,
	`deleted_at` datetime(3),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`is_listed` boolean GENERATED ALWAYS AS ((status = 'ACTIVE' AND deleted_at IS NULL)) STORED,
	CONSTRAINT `products_id` PRIMARY KEY(`id`),
	CONSTRAINT `products_by_slug` UNIQUE(`slug`)
);
--> statement-breakpoint
CREATE TABLE `search_generation` (
	`id` tinyint NOT NULL,
	`generation` bigint NOT NULL,
	CONSTRAINT `search_generation_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
CREATE TABLE `search_words` (
	`word` varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	`length` tinyint NOT NULL,
	CONSTRAINT `search_words_word` PRIMARY KEY(`word`)
);
--> statement-breakpoint
CREATE TABLE `stock_levels` (
	`variant_id` binary(16) NOT NULL,
	`on_hand` int NOT NULL,
	`reserved` int NOT NULL DEFAULT 0,
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `stock_levels_variant_id` PRIMARY KEY(`variant_id`),
	CONSTRAINT `stock_levels_reserved` CHECK(`stock_levels`.`reserved` >= 0 AND `stock_levels`.`reserved` <= `stock_levels`.`on_hand`)
);
--> statement-breakpoint
CREATE TABLE `stock_movements` (
	`id` binary(16) NOT NULL,
	`variant_id` binary(16) NOT NULL,
	`kind` varchar(9) NOT NULL,
	`quantity` int NOT NULL,
	`reason` varchar(500),
	`order_id` binary(16),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `stock_movements_id` PRIMARY KEY(`id`),
	CONSTRAINT `movements_once_per_order` UNIQUE(`order_id`,`variant_id`,`kind`)
);
--> statement-breakpoint
CREATE TABLE `stock_reservation_lines` (
	`order_id` binary(16) NOT NULL,
	`variant_id` binary(16) NOT NULL,
	`quantity` int NOT NULL,
	`unit_price_minor` bigint NOT NULL,
	`currency_code` char(3) NOT NULL,
	`title` varchar(500) NOT NULL,
	`sku` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	CONSTRAINT `stock_reservation_lines_order_id_variant_id_pk` PRIMARY KEY(`order_id`,`variant_id`),
	CONSTRAINT `stock_reservation_lines_quantity` CHECK(`stock_reservation_lines`.`quantity` > 0)
);
--> statement-breakpoint
CREATE TABLE `stock_reservations` (
	`order_id` binary(16) NOT NULL,
	`id` binary(16) NOT NULL,
	`status` varchar(9) NOT NULL,
	`expires_at` datetime(3) NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `stock_reservations_order_id` PRIMARY KEY(`order_id`)
);
--> statement-breakpoint
CREATE INDEX `brands_by_name` ON `brands` (`name`);--> statement-breakpoint
CREATE INDEX `categories_by_parent` ON `categories` (`parent_id`,`name`);--> statement-breakpoint
CREATE INDEX `paths_by_descendant` ON `category_paths` (`descendant_id`,`distance`,`ancestor_id`);--> statement-breakpoint
CREATE INDEX `outbox_by_state` ON `outbox` (`state`,`sequence`);--> statement-breakpoint
CREATE INDEX `outbox_by_aggregate` ON `outbox` (`subscriber`,`aggregate_id`,`sequence`);--> statement-breakpoint
CREATE INDEX `facet_values_by_value` ON `product_facet_values` (`facet`,`value`,`product_id`);--> statement-breakpoint
CREATE INDEX `media_by_product` ON `product_media` (`product_id`,`position`);--> statement-breakpoint
CREATE INDEX `variants_by_product` ON `product_variants` (`product_id`,`position`);--> statement-breakpoint
CREATE INDEX `products_listed_by_title` ON `products` (`is_listed`,`title`,`id`);--> statement-breakpoint
CREATE INDEX `products_listed_by_price` ON `products` (`is_listed`,`currency_code`,`min_price_minor`,`id`);--> statement-breakpoint
CREATE INDEX `products_listed_by_age` ON `products` (`is_listed`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `products_listed_by_sales` ON `products` (`is_listed`,`sold_count`,`id`);--> statement-breakpoint
CREATE INDEX `products_of_category_by_sales` ON `products` (`category_id`,`is_listed`,`sold_count`,`id`);--> statement-breakpoint
CREATE INDEX `products_of_brand_by_sales` ON `products` (`brand_id`,`is_listed`,`sold_count`,`id`);--> statement-breakpoint
CREATE INDEX `products_with_stale_index` ON `products` (`is_index_stale`,`id`);--> statement-breakpoint
CREATE INDEX `search_words_by_length` ON `search_words` (`length`,`word`);--> statement-breakpoint
CREATE INDEX `movements_by_variant` ON `stock_movements` (`variant_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `reservations_by_expiry` ON `stock_reservations` (`status`,`expires_at`);--> statement-breakpoint
CREATE FULLTEXT INDEX `product_search_by_title` ON `product_search` (`title_terms`);--> statement-breakpoint
CREATE FULLTEXT INDEX `product_search_by_text` ON `product_search` (`title_terms`,`body_terms`);
