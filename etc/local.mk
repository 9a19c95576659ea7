# Manifests: demo.ini is made for this build folder, with a link to the SQL beside it: a path from the root may be longer than a line of
# a manifest can be. The SQL and prod.ini are as they stand.
noinst_DATA = etc/demo.ini
CLEANFILES += etc/demo.ini
EXTRA_DIST += etc/demo.ini.in etc/demo-legacy.sql

etc/demo.ini: etc/demo.ini.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && { test -f etc/demo-legacy.sql || ln -sf $(abs_srcdir)/etc/demo-legacy.sql etc/demo-legacy.sql; } \
		&& cat $(srcdir)/etc/demo.ini.in >$@.tmp && mv $@.tmp $@

CLEAN_LOCAL += clean-etc
clean-etc:
	-test ! -L etc/demo-legacy.sql || rm -f etc/demo-legacy.sql

# Completion for three shells, of the table of options that sgrun itself reads.
noinst_PROGRAMS += etc/completion/completions
etc_completion_completions_SOURCES = etc/completion/completions.c
etc_completion_completions_LDADD = libsgrun-core.la
completions = etc/completion/sgrun etc/completion/_sgrun etc/completion/sgrun.fish
bashcompletiondir = $(datadir)/bash-completion/completions
nodist_bashcompletion_DATA = etc/completion/sgrun
zshcompletiondir = $(datadir)/zsh/site-functions
nodist_zshcompletion_DATA = etc/completion/_sgrun
fishcompletiondir = $(datadir)/fish/vendor_completions.d
nodist_fishcompletion_DATA = etc/completion/sgrun.fish
CLEANFILES += $(completions)
etc/completion/sgrun: etc/completion/completions$(EXEEXT)
	$(AM_V_GEN)etc/completion/completions$(EXEEXT) bash >$@.tmp && mv $@.tmp $@
etc/completion/_sgrun: etc/completion/completions$(EXEEXT)
	$(AM_V_GEN)etc/completion/completions$(EXEEXT) zsh >$@.tmp && mv $@.tmp $@
etc/completion/sgrun.fish: etc/completion/completions$(EXEEXT)
	$(AM_V_GEN)etc/completion/completions$(EXEEXT) fish >$@.tmp && mv $@.tmp $@

# Examples of how it is run: systemd, compose, Kubernetes, CI.
examplesdir = $(docdir)/examples
dist_examples_DATA = etc/examples/sgrun-backfill@.service etc/examples/sgrun-backfill@.timer etc/examples/compose.yaml \
	etc/examples/kubernetes-job.yaml etc/examples/github-actions.yml etc/examples/gitlab-ci.yml
