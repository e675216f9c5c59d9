CREATE TABLE `client_manifests` (
	`contract` varchar(16) COLLATE utf8mb4_bin NOT NULL,
	`client` varchar(128) COLLATE utf8mb4_bin NOT NULL,
	`version` varchar(64) COLLATE utf8mb4_bin NOT NULL,
	`registered_at` datetime(3) NOT NULL,
	`operations` longtext NOT NULL,
	CONSTRAINT `client_manifests_contract_client_version_pk` PRIMARY KEY(`contract`,`client`,`version`)
);
--> statement-breakpoint
CREATE TABLE `field_usage` (
	`day` date NOT NULL,
	`key_hash` varchar(64) COLLATE utf8mb4_bin NOT NULL,
	`contract` varchar(16) COLLATE utf8mb4_bin NOT NULL,
	`client` varchar(128) COLLATE utf8mb4_bin NOT NULL,
	`version` varchar(64) COLLATE utf8mb4_bin NOT NULL,
	`coordinate` varchar(255) COLLATE utf8mb4_bin NOT NULL,
	`requests` bigint NOT NULL,
	CONSTRAINT `field_usage_day_key_hash_pk` PRIMARY KEY(`day`,`key_hash`)
);
--> statement-breakpoint
CREATE TABLE `publications` (
	`stage` varchar(16) COLLATE utf8mb4_bin NOT NULL,
	`number` int NOT NULL,
	`kind` varchar(16) COLLATE utf8mb4_bin NOT NULL,
	`taken_from` varchar(64),
	`author` varchar(191) NOT NULL,
	`published_at` datetime(3) NOT NULL,
	`reason` varchar(1000),
	`check_summary` longtext NOT NULL,
	`hash` varchar(64) COLLATE utf8mb4_bin NOT NULL,
	`subgraphs` longtext NOT NULL,
	`contracts` longtext NOT NULL,
	CONSTRAINT `publications_stage_number_pk` PRIMARY KEY(`stage`,`number`)
);
