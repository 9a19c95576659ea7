REVOKE SELECT ON leads FROM ${reporting_role};
