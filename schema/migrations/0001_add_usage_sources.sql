CREATE TABLE `usage_sources` (
	`day` date NOT NULL,
	`source` varchar(36) COLLATE utf8mb4_bin NOT NULL,
	`last_sequence` bigint NOT NULL,
	CONSTRAINT `usage_sources_day_source_pk` PRIMARY KEY(`day`,`source`)
);
