INSERT INTO "User" ("email", "name", "role") VALUES ('root@example.org', 'Root "the" user', 'ADMIN');
