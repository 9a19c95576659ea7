ALTER TABLE "Post" RENAME COLUMN "content" TO "body";
ALTER TABLE "Tag" RENAME TO "Label";
ALTER TABLE "Label" RENAME CONSTRAINT "Tag_pkey" TO "Label_pkey";
DROP INDEX "Post_title_idx";
