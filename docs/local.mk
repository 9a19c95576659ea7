# What docs/ builds and installs.
dist_doc_DATA += docs/IRON_RULES.md
dist_doc_DATA += docs/ARCHITECTURE.md
