-- Administrators may see what a request took. Between the scopes it may follow and this one sorts none.
UPDATE `role_grants` SET `version` = `version` + 1, `scopes` = CASE
	WHEN `scopes` LIKE '%catalog:write%' THEN REPLACE(`scopes`, 'catalog:write', 'catalog:write debug:read')
	ELSE REPLACE(`scopes`, 'access:write', 'access:write debug:read')
END WHERE `role` = 'ADMIN';
--> statement-breakpoint
-- Gateways hear of it like of any other change.
UPDATE `access_version` SET `version` = `version` + 1;
--> statement-breakpoint
INSERT INTO `access_changes` (`version`, `kind`, `subject`) SELECT `version`, 'ROLE', 'ADMIN' FROM `access_version`;
