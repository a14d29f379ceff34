//! Every subject of a policy: its name, its options, and how it is treated when nothing is said.
//!
//! Knows the servers' option names and why each matters. It must not know how an option is judged.

use super::policy::{Subject, Treatment};

/// What is known of a subject.
pub(super) struct Row {
    pub subject: Subject,
    pub name: &'static str,
    pub usual: Treatment,
    /// The options that it covers: whoever abbreviates one of them ambiguously is refused.
    pub options: &'static [&'static str],
    pub what: &'static str,
}

const fn row(
    subject: Subject,
    name: &'static str,
    usual: Treatment,
    options: &'static [&'static str],
    what: &'static str,
) -> Row {
    Row { subject, name, usual, options, what }
}

macro_rules! by_option {
    ($kind:ident, $usual:ident, $what:literal: $($name:literal),* $(,)?) => {
        &[$(row(Subject::$kind($name), $name, Treatment::$usual, &[$name], $what)),*]
    };
}

const RUN: &[Row] = {
    use Subject as S;
    use Treatment::{Allow, Forbid};
    &[
        row(
            S::Authentication,
            "authentication",
            Forbid,
            &["skip_grant_tables"],
            "start without accounts and privileges",
        ),
        row(
            S::InitFile,
            "init_file",
            Forbid,
            &["init_file"],
            "run SQL of a file at the start, with all rights",
        ),
        row(
            S::InitSlave,
            "init_slave",
            Forbid,
            &["init_slave", "init_replica"],
            "run SQL in the replication thread, with all rights",
        ),
        row(
            S::InitConnect,
            "init_connect",
            Forbid,
            &["init_connect"],
            "run more than plain SET at each login, with the user's rights",
        ),
        row(
            S::Bootstrap,
            "bootstrap",
            Forbid,
            &["bootstrap", "initialize", "initialize_insecure"],
            "run SQL of standard input, or make a new data directory",
        ),
        row(
            S::Plugins,
            "plugins",
            Forbid,
            &["plugin_load", "plugin_load_add", "early_plugin_load"],
            "load libraries that were not there, or not the same, when the guard was installed",
        ),
        row(
            S::UnauthenticatedPlugins,
            "unauthenticated_plugins",
            Forbid,
            &[],
            "load libraries that serve the data without authentication",
        ),
        row(
            S::PluginDir,
            "plugin_dir",
            Forbid,
            &["plugin_dir"],
            "load libraries from another directory than the server's own",
        ),
        row(
            S::Basedir,
            "basedir",
            Forbid,
            &["basedir"],
            "use an installation directory that others than root can write",
        ),
        row(
            S::MessageFiles,
            "message_files",
            Forbid,
            &["lc_messages_dir", "character_sets_dir", "language"],
            "read message or character set files that others than root can write",
        ),
        row(
            S::Preload,
            "ld_so_preload",
            Forbid,
            &[],
            "let the libraries into the server that /etc/ld.so.preload names",
        ),
        row(
            S::Chroot,
            "chroot",
            Forbid,
            &["chroot"],
            "change the root directory, and with it what every path means",
        ),
        row(
            S::Persisted,
            "persisted",
            Allow,
            &["persisted_globals_load"],
            "read mysqld-auto.cnf in the data directory, which only the server can write",
        ),
    ]
};

const PEERS: &[Row] = {
    use Subject as S;
    use Treatment::{Allow, Forbid, Warn};
    &[
        row(
            S::Wsrep,
            "wsrep",
            Forbid,
            &["wsrep_provider", "wsrep_notify_cmd", "wsrep_sst_method"],
            "join a Galera cluster, which can create accounts, and run its commands",
        ),
        row(
            S::WsrepClusterAddress,
            "wsrep_cluster_address",
            Allow,
            &["wsrep_cluster_address"],
            "which Galera cluster is joined; a required one allows wsrep",
        ),
        row(
            S::GroupReplication,
            "group_replication",
            Forbid,
            &["group_replication_group_seeds"],
            "join a MySQL group, which can create accounts",
        ),
        row(
            S::Ndb,
            "ndb",
            Forbid,
            &["ndb_connectstring", "ndbcluster"],
            "join an NDB cluster, which can create accounts",
        ),
        row(
            S::RewriteDb,
            "replicate_rewrite_db",
            Forbid,
            &["replicate_rewrite_db"],
            "replicate another schema's changes into a system schema",
        ),
        row(
            S::MandatoryRoles,
            "mandatory_roles",
            Forbid,
            &["mandatory_roles"],
            "give roles to everyone",
        ),
        row(
            S::AuthenticationSource,
            "authentication_source",
            Forbid,
            &[],
            "ask another server (LDAP, Kerberos, OpenID) who someone is",
        ),
        row(
            S::SslCa,
            "ssl_ca",
            Warn,
            &["ssl_ca", "ssl_capath"],
            "trust certificate authorities outside the encrypted locations",
        ),
        row(
            S::ProxyProtocol,
            "proxy_protocol_networks",
            Warn,
            &["proxy_protocol_networks"],
            "let clients state another address than theirs",
        ),
        row(
            S::SecretsInArguments,
            "secrets_in_arguments",
            Warn,
            &[],
            "put secrets on the command line, which everyone on this machine can read",
        ),
        row(
            S::CoreFile,
            "core_file",
            Warn,
            &["core_file"],
            "write the memory to a file after a crash",
        ),
        row(
            S::Datadir,
            "datadir",
            Forbid,
            &["datadir"],
            "use a data directory outside the encrypted locations of this server",
        ),
        row(
            S::SchemaLinks,
            "schema_links",
            Forbid,
            &[],
            "follow symlinks in the data directory into other encrypted locations",
        ),
    ]
};

const STATE: &[Row] = by_option!(State, Forbid,
    "take in state from outside the encrypted locations of this server":
    "innodb_data_home_dir", "innodb_data_file_path", "innodb_log_group_home_dir",
    "innodb_undo_directory", "innodb_doublewrite_dir", "innodb_directories",
    "aria_log_dir_path", "master_info_file", "relay_log_info_file", "relay_log",
    "relay_log_index", "log_ddl_recovery", "log_tc", "wsrep_data_home_dir",
    "rocksdb_datadir", "rocksdb_wal_dir", "tokudb_data_dir", "tokudb_log_dir");

const LEAKS: &[Row] = by_option!(Leak, Warn, "write plaintext outside the encrypted locations":
    "general_log_file", "slow_query_log_file", "log_slow_query_file", "log_bin", "log_bin_index",
    "tmpdir", "slave_load_tmpdir", "replica_load_tmpdir", "innodb_tmpdir",
    "innodb_temp_tablespaces_dir", "innodb_temp_data_file_path", "innodb_redo_log_archive_dirs",
    "secure_file_priv", "server_audit_file_path", "sql_error_log_filename", "audit_log_file",
    "rocksdb_tmpdir", "tokudb_tmp_dir");

const SETTINGS: &[Row] = by_option!(Setting, Allow, "free, unless a value is required":
    "bind_address", "require_secure_transport", "local_infile");

/// All subjects, in the order in which they are shown.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    [RUN, PEERS, STATE, LEAKS, SETTINGS].into_iter().flatten()
}

/// Whether some subject covers the option.
pub(super) fn covers(option: &str) -> bool {
    rows().any(|row| row.options.contains(&option))
}
