CREATE TABLE `door_limits` (
	`id` int NOT NULL,
	`settings` json NOT NULL,
	`version` int NOT NULL DEFAULT 1,
	`updated_by` binary(16),
	`updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	CONSTRAINT `door_limits_id` PRIMARY KEY(`id`)
);
--> statement-breakpoint
-- Nothing is set in a new shop: the defaults hold.
INSERT INTO `door_limits` (`id`, `settings`) VALUES (1, '{}');
