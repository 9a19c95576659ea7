# shellcheck shell=bash disable=SC2154
# bench/server.sh: a private server for the benchmarks; sourced, never run.
#
# Wants $fsync, $keep and, if set, $settings (lines of postgresql.conf); gives $folder,
# $bindir, the PG* variables, sql DATABASE TEXT, fresh DATABASE [TEMPLATE], and a trap
# that stops and removes everything.
bindir=${PG_BINDIR:-$(pg_config --bindir)} # the real psql: /usr/bin/psql may be a script around it
folder=$(mktemp -d "${TMPDIR:-/tmp}/sgbench.XXXXXX")
chmod 755 "$folder"
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
	owner=$(id -un postgres 2>/dev/null || echo nobody)
	as() { setpriv --reuid="$owner" --regid="$(id -gn "$owner")" --clear-groups "$@"; }
fi
stop() {
	[ ! -f "$folder/data/postmaster.pid" ] || as "$bindir/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null || true
	if [ "$keep" = yes ]; then echo "bench: kept $folder"; else rm -rf "$folder"; fi
}
trap stop EXIT
trap 'exit 130' INT TERM
mkdir "$folder/data" "$folder/socket"
[ "$(id -u)" != 0 ] || chown "$owner" "$folder/data" "$folder/socket"
cd "$folder" || exit
as "$bindir/initdb" -D "$folder/data" -U bench -A trust -N -E UTF8 --no-locale >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; exit 1; }
cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$folder/socket'
fsync = $fsync
max_wal_size = 4GB
checkpoint_timeout = 1h
autovacuum = off
jit = off
${settings:-}
CONF
as "$bindir/pg_ctl" -D "$folder/data" -l "$folder/data/server.log" -w start >/dev/null || { cat "$folder/data/server.log" >&2; exit 1; }
export PGHOST=$folder/socket PGUSER=bench PGPORT=5432 PGDATABASE=postgres PGAPPNAME=bench
unset PGOPTIONS PGSERVICE PGPASSWORD DATABASE_URL SGRUN_MANIFEST || true
sql() { "$bindir/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }
fresh() { sql postgres "DROP DATABASE IF EXISTS $1" 2>/dev/null; sql postgres "CREATE DATABASE $1 TEMPLATE ${2:-template0}"; sql postgres CHECKPOINT; }
