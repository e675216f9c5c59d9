-- Administrators may read the schema where it is hidden from everybody else. Between the scope it follows and this one sorts none.
UPDATE `role_grants` SET `version` = `version` + 1, `scopes` = CASE
	WHEN `scopes` LIKE '%payment:write%' THEN REPLACE(`scopes`, 'payment:write', 'payment:write schema:read')
	ELSE CONCAT(`scopes`, ' schema:read')
END WHERE `role` = 'ADMIN';
--> statement-breakpoint
-- Gateways hear of it like of any other change.
UPDATE `access_version` SET `version` = `version` + 1;
--> statement-breakpoint
INSERT INTO `access_changes` (`version`, `kind`, `subject`) SELECT `version`, 'ROLE', 'ADMIN' FROM `access_version`;
