-- What each role may do in a new shop. Staff change it at run time.
INSERT INTO `role_grants` (`role`, `scopes`) VALUES
	('CUSTOMER', ''),
	('SUPPORT', 'order:read payment:read user:read'),
	('CATALOG_MANAGER', 'catalog:write stock:read stock:write'),
	('ORDER_MANAGER', 'order:read order:write payment:read payment:write stock:read user:read'),
	('ADMIN', 'access:read access:write catalog:write order:read order:write payment:read payment:write stock:read stock:write user:read user:write');
--> statement-breakpoint
-- Access changes are counted from here.
INSERT INTO `access_version` (`id`, `version`) VALUES (1, 1);
