-- Administrators may look at the board of jobs and act there. Nothing sorts between these scopes and the one they follow, and every administrator has access:write.
UPDATE `role_grants` SET `version` = `version` + 1, `scopes` = CASE
	WHEN `scopes` LIKE '%catalog:write%' THEN REPLACE(`scopes`, 'catalog:write', 'catalog:write job:read job:write')
	ELSE REPLACE(`scopes`, 'access:write', 'access:write job:read job:write')
END WHERE `role` = 'ADMIN';
--> statement-breakpoint
-- Gateways hear of it like of any other change.
UPDATE `access_version` SET `version` = `version` + 1;
--> statement-breakpoint
INSERT INTO `access_changes` (`version`, `kind`, `subject`) SELECT `version`, 'ROLE', 'ADMIN' FROM `access_version`;
