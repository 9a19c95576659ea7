# What docs/ builds and installs. The folders stay, so that the links in README.md lead somewhere once it is installed.
nobase_dist_doc_DATA = docs/IRON_RULES.md docs/ARCHITECTURE.md docs/AUDIT.md etc/prod.ini

uninstall-hook:
	rmdir "$(DESTDIR)$(docdir)/docs" "$(DESTDIR)$(docdir)/etc" "$(DESTDIR)$(docdir)" "$(DESTDIR)$(pkglibexecdir)" \
		"$(DESTDIR)$(includedir)/sgrun" 2>/dev/null || :
