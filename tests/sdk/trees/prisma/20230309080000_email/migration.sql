UPDATE "User" SET "email" = lower("email"), "name" = coalesce("name", '');
ALTER TABLE "User" ALTER COLUMN "name" SET NOT NULL;
ALTER TABLE "User" ADD CONSTRAINT "User_email_check" CHECK ("email" = lower("email"));
