//! One row for each subject: what the usual policy says, and what loosens it.

use super::fixture::Scene;
use crate::guard::policy::{Subject, Treatment};
use crate::guard::policy_rows::rows;

/// Subject; options of the list; values of the server; a required value that is right, and whether
/// the policy can require one at all.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
    Option<&'static str>,
);

const TABLE: &[Row] = &[
    ("authentication", &[], &[("skip_grant_tables", "TRUE")], None),
    ("init_file", &[("init_file", "/tmp/a.sql")], &[], Some("/tmp/a.sql")),
    ("init_file", &[], &[("init_file", "/tmp/a.sql")], Some("/tmp/./a.sql")),
    ("init_slave", &[], &[("init_slave", "SELECT 1")], Some("SELECT 1")),
    ("init_slave", &[], &[("init_replica", "SELECT 1")], Some("SELECT 1")),
    ("init_connect", &[], &[("init_connect", "CALL x()")], Some("CALL x()")),
    ("bootstrap", &[("bootstrap", "")], &[], None),
    ("bootstrap", &[("initialize_insecure", "")], &[], None),
    ("plugins", &[("plugin_load_add", "new.so")], &[], Some("new.so")),
    ("plugins", &[("early_plugin_load", "x=new.so")], &[], Some("new.so")),
    ("unauthenticated_plugins", &[("plugin_load", "handlersocket")], &[], None),
    ("plugin_dir", &[], &[("plugin_dir", "/usr/evil")], Some("/usr/evil/")),
    ("plugin_dir", &[("basedir", "/usr/x"), ("plugin_load", "audit")], &[], None),
    ("basedir", &[], &[("basedir", "/tmp/x")], Some("/tmp/x")),
    ("message_files", &[("lc_messages_dir", "/tmp/x")], &[], Some("/tmp/x")),
    ("message_files", &[("character_sets_dir", "relative")], &[], Some("relative")),
    ("chroot", &[("chroot", "/tmp")], &[], Some("/tmp")),
    ("wsrep", &[("wsrep_provider", "/usr/lib/galera.so")], &[], Some("/usr/lib/galera.so")),
    ("wsrep", &[("wsrep_notify_cmd", "/usr/bin/x y")], &[], None),
    ("wsrep", &[("wsrep_sst_method", "x;id")], &[], None),
    ("group_replication", &[("group_replication_group_seeds", "a:1")], &[], Some("a:1")),
    ("group_replication", &[("group_replication_start_on_boot", "ON")], &[], None),
    ("ndb", &[("ndb_connectstring", "a")], &[], Some("a")),
    ("ndb", &[], &[("ndbcluster", "ON")], None),
    ("replicate_rewrite_db", &[("replicate_rewrite_db", "a->mysql")], &[], Some("a->mysql")),
    ("replicate_rewrite_db", &[("c1.replicate_rewrite_db", "a-> `x`")], &[], None),
    ("mandatory_roles", &[("mandatory_roles", "admin")], &[], Some("admin")),
    ("authentication_source", &[("authentication_ldap_simple_server_host", "a")], &[], Some("a")),
    ("ssl_ca", &[], &[("ssl_ca", "/etc/ca.pem")], Some("/etc/ca.pem")),
    ("proxy_protocol_networks", &[], &[("proxy_protocol_networks", "*")], Some("*")),
    ("secrets_in_arguments", &[("report_password", "x")], &[], None),
    ("secrets_in_arguments", &[("wsrep_sst_auth", "a:b")], &[], None),
    ("core_file", &[], &[("core_file", "TRUE")], None),
    ("datadir", &[], &[("datadir", "/tmp/data")], Some("/tmp/data")),
    ("datadir", &[], &[("datadir", "/home/other")], Some("/home/other")),
    ("innodb_data_home_dir", &[], &[("innodb_data_home_dir", "/tmp")], Some("/tmp")),
    (
        "innodb_data_file_path",
        &[],
        &[("innodb_data_home_dir", ""), ("innodb_data_file_path", "a:1M;/tmp/b:1M")],
        None,
    ),
    ("innodb_log_group_home_dir", &[], &[("innodb_log_group_home_dir", "/home/other")], None),
    (
        "innodb_undo_directory",
        &[],
        &[("innodb_undo_directory", "../../../tmp")],
        Some("/M/mysql/tmp"),
    ),
    ("innodb_doublewrite_dir", &[], &[("innodb_doublewrite_dir", "/tmp")], Some("/tmp")),
    ("innodb_directories", &[], &[("innodb_directories", "/var/lib/mysql;/tmp")], None),
    ("aria_log_dir_path", &[], &[("aria_log_dir_path", "/tmp/")], Some("/tmp")),
    ("master_info_file", &[], &[("master_info_file", "/tmp/m")], Some("/tmp/m")),
    ("relay_log_info_file", &[], &[("relay_log_info_file", "/nowhere/m")], None),
    ("relay_log", &[], &[("relay_log", "/tmp/r")], Some("/tmp/r")),
    ("relay_log_index", &[], &[("relay_log_index", "/tmp/r")], Some("/tmp/r")),
    ("log_ddl_recovery", &[], &[("log_ddl_recovery", "/tmp/r")], Some("/tmp/r")),
    ("log_tc", &[], &[("log_tc", "/tmp/r")], Some("/tmp/r")),
    ("wsrep_data_home_dir", &[], &[("wsrep_data_home_dir", "/tmp/r")], Some("/tmp/r")),
    ("rocksdb_datadir", &[], &[("rocksdb_datadir", "/tmp/r")], Some("/tmp/r")),
    ("rocksdb_wal_dir", &[], &[("rocksdb_wal_dir", "/tmp/r")], Some("/tmp/r")),
    ("tokudb_data_dir", &[], &[("tokudb_data_dir", "/tmp/r")], Some("/tmp/r")),
    ("tokudb_log_dir", &[], &[("tokudb_log_dir", "/tmp/r")], Some("/tmp/r")),
    (
        "general_log_file",
        &[],
        &[("general_log", "TRUE"), ("general_log_file", "/tmp/g")],
        Some("/tmp/g"),
    ),
    (
        "slow_query_log_file",
        &[],
        &[("slow_query_log", "TRUE"), ("slow_query_log_file", "/tmp/g")],
        Some("/tmp/g"),
    ),
    (
        "log_slow_query_file",
        &[],
        &[("log_slow_query", "TRUE"), ("log_slow_query_file", "/tmp/g")],
        Some("/tmp/g"),
    ),
    ("log_bin", &[], &[("log_bin", "/tmp/b")], Some("/tmp/b")),
    ("log_bin_index", &[], &[("log_bin", "b"), ("log_bin_index", "/tmp/b")], Some("/tmp/b")),
    ("tmpdir", &[], &[("tmpdir", "/var/lib/mysql:/tmp")], None),
    ("slave_load_tmpdir", &[], &[("slave_load_tmpdir", "/tmp")], Some("/tmp")),
    ("replica_load_tmpdir", &[], &[("replica_load_tmpdir", "/tmp")], Some("/tmp")),
    ("innodb_tmpdir", &[], &[("innodb_tmpdir", "/tmp")], Some("/tmp")),
    ("innodb_temp_tablespaces_dir", &[], &[("innodb_temp_tablespaces_dir", "/tmp")], Some("/tmp")),
    (
        "innodb_temp_data_file_path",
        &[],
        &[("innodb_temp_data_file_path", "/tmp/t:1M")],
        Some("/tmp/t"),
    ),
    (
        "innodb_redo_log_archive_dirs",
        &[],
        &[("innodb_redo_log_archive_dirs", "a:/tmp")],
        Some("/tmp"),
    ),
    ("secure_file_priv", &[], &[("secure_file_priv", "")], Some("")),
    ("secure_file_priv", &[], &[("secure_file_priv", "/tmp")], Some("/tmp/")),
    (
        "server_audit_file_path",
        &[],
        &[("server_audit_logging", "ON"), ("server_audit_file_path", "/tmp/a")],
        Some("/tmp/a"),
    ),
    ("sql_error_log_filename", &[], &[("sql_error_log_filename", "/tmp/a")], Some("/tmp/a")),
    ("audit_log_file", &[], &[("audit_log_file", "/tmp/a")], Some("/tmp/a")),
    ("rocksdb_tmpdir", &[], &[("rocksdb_tmpdir", "/tmp/a")], Some("/tmp/a")),
    ("tokudb_tmp_dir", &[], &[("tokudb_tmp_dir", "/tmp/a")], Some("/tmp/a")),
];

fn scene(row: &Row) -> Scene {
    let mut scene = Scene::new();
    scene.places.digests.insert("/usr/lib/mysql/plugin/new.so".into(), 3);
    for (name, value) in row.1 {
        scene.item(name, value);
    }
    for (name, value) in row.2 {
        scene.value(name, value);
    }
    scene
}

/// How many refusals and warnings a scene ends with.
fn counts(scene: &Scene) -> (usize, usize) {
    let verdict = scene.judge();
    (verdict.refusals.len(), verdict.warnings.len())
}

#[test]
fn a_run_with_nothing_to_object_to_is_clear() {
    let verdict = Scene::new().judge();
    assert_eq!((verdict.refusals, verdict.warnings), (vec![], vec![]));
    assert_eq!(verdict.closing, ["--datadir=/M/mysql/var/lib/mysql"]);
}

#[test]
fn each_subject_is_treated_as_usual_and_as_the_policy_says() {
    for row in TABLE {
        let subject: Subject = row.0.parse().unwrap();
        let usual = if *subject.usual() == Treatment::Forbid { (1, 0) } else { (0, 1) };
        assert_eq!(counts(&scene(row)), usual, "{row:?}");
        for (verb, expected) in [("forbid", (1, 0)), ("warn", (0, 1)), ("allow", (0, 0))] {
            let found = counts(scene(row).set(&format!("{verb} {subject}")));
            assert_eq!(found, expected, "{verb} {row:?}");
        }
    }
}

#[test]
fn a_required_value_is_right_and_any_other_is_not() {
    for row in TABLE {
        let Some(value) = row.3 else { continue };
        let right = format!("require {}={value}", row.0);
        let wrong = format!("require {}=/else", row.0);
        assert_eq!(counts(scene(row).set(&right)), (0, 0), "{row:?}");
        assert_eq!(counts(scene(row).set(&wrong)), (1, 0), "{row:?}");
        assert_eq!(counts(scene(row).set(&wrong).set(&right)), (0, 0), "{row:?}");
    }
}

#[test]
fn every_subject_has_a_row_or_a_test_of_its_own() {
    let own = ["persisted", "wsrep_cluster_address", "schema_links", "ld_so_preload"];
    for row in rows().filter(|row| !matches!(row.subject, Subject::Setting(_))) {
        let in_table = TABLE.iter().any(|(name, ..)| *name == row.name);
        assert!(in_table || own.contains(&row.name), "{}", row.name);
    }
}

#[test]
fn every_refusal_and_warning_names_the_option_and_the_mend() {
    for row in TABLE {
        let verdict = scene(row).judge();
        for refusal in &verdict.refusals {
            let option =
                row.1.iter().chain(row.2).any(|(name, _)| refusal.to_string().contains(name));
            assert!(option, "{refusal}");
            let hint = refusal.hint();
            let allows = hint.contains(&format!("--allow {}", row.0));
            assert!(allows || hint.contains("take it in: ezncrypt guard install"), "{hint}");
        }
        for warning in &verdict.warnings {
            assert!(warning.hint().contains(&format!("--allow {}", row.0)), "{}", warning.hint());
        }
    }
}
