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
CREATE TABLE `ledger_entries` (
	`transaction_id` binary(16) NOT NULL,
	`account` varchar(32) NOT NULL,
	`currency_code` char(3) NOT NULL,
	`amount_minor` bigint NOT NULL,
	CONSTRAINT `ledger_entries_transaction_id_account_currency_code_pk` PRIMARY KEY(`transaction_id`,`account`,`currency_code`)
);
--> statement-breakpoint
CREATE TABLE `ledger_transactions` (
	`id` binary(16) NOT NULL,
	`payment_id` binary(16) NOT NULL,
	`kind` varchar(24) NOT NULL,
	`source_event` varchar(64) NOT NULL,
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `ledger_transactions_id` PRIMARY KEY(`id`),
	CONSTRAINT `ledger_transactions_source` UNIQUE(`payment_id`,`kind`,`source_event`)
);
--> statement-breakpoint
CREATE TABLE `order_states` (
	`order_id` binary(16) NOT NULL,
	`state` varchar(16) NOT NULL,
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `order_states_order_id` PRIMARY KEY(`order_id`)
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
CREATE TABLE `payments` (
	`id` binary(16) NOT NULL,
	`order_id` binary(16) NOT NULL,
	`order_number` varchar(32) NOT NULL,
	`user_id` binary(16) NOT NULL,
	`provider` varchar(16) NOT NULL,
	`status` varchar(24) NOT NULL,
	`currency_code` char(3) NOT NULL,
	`amount_minor` bigint NOT NULL,
	`captured_minor` bigint NOT NULL DEFAULT 0,
	`refunded_minor` bigint NOT NULL DEFAULT 0,
	`refund_pending_minor` bigint NOT NULL DEFAULT 0,
	`failure_code` varchar(64),
	`failure_message` varchar(200),
	`failure_is_retryable` boolean,
	`provider_reference` varchar(64),
	`card_brand` varchar(16),
	`card_last4` char(4),
	`live_order_id` binary(16),
	`expires_at` datetime(3),
	`cancel_requested_at` datetime(3),
	`check_at` datetime(3),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `payments_id` PRIMARY KEY(`id`),
	CONSTRAINT `payments_live_order` UNIQUE(`live_order_id`),
	CONSTRAINT `payments_captured` CHECK(captured_minor >= 0 AND captured_minor <= amount_minor),
	CONSTRAINT `payments_refunded` CHECK(refunded_minor >= 0 AND refund_pending_minor >= 0 AND refunded_minor + refund_pending_minor <= captured_minor)
);
--> statement-breakpoint
CREATE TABLE `provider_events` (
	`provider` varchar(16) NOT NULL,
	`event_id` varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	`payment_id` binary(16) NOT NULL,
	`charge` json NOT NULL,
	`outcome` varchar(24),
	`received_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`processed_at` datetime(3),
	CONSTRAINT `provider_events_provider_event_id_pk` PRIMARY KEY(`provider`,`event_id`)
);
--> statement-breakpoint
CREATE TABLE `refunds` (
	`id` binary(16) NOT NULL,
	`payment_id` binary(16) NOT NULL,
	`amount_minor` bigint NOT NULL,
	`currency_code` char(3) NOT NULL,
	`status` varchar(16) NOT NULL,
	`reason` varchar(500) NOT NULL,
	`failure` varchar(200),
	`send_at` datetime(3),
	`created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `refunds_id` PRIMARY KEY(`id`),
	CONSTRAINT `refunds_amount` CHECK(amount_minor > 0)
);
--> statement-breakpoint
CREATE INDEX `outbox_by_state` ON `outbox` (`state`,`sequence`);--> statement-breakpoint
CREATE INDEX `outbox_by_aggregate` ON `outbox` (`subscriber`,`aggregate_id`,`sequence`);--> statement-breakpoint
CREATE INDEX `payments_by_order` ON `payments` (`order_id`,`id`);--> statement-breakpoint
CREATE INDEX `payments_by_status` ON `payments` (`status`,`id`);--> statement-breakpoint
CREATE INDEX `payments_to_check` ON `payments` (`check_at`);--> statement-breakpoint
CREATE INDEX `provider_events_to_process` ON `provider_events` (`processed_at`,`received_at`);--> statement-breakpoint
CREATE INDEX `refunds_by_payment` ON `refunds` (`payment_id`,`id`);--> statement-breakpoint
CREATE INDEX `refunds_to_send` ON `refunds` (`send_at`);