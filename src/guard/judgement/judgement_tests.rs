use super::finding::{Refusal, Why};
use super::fixture::{DATA, OTHER, PLUGINS, Scene};
use crate::guard::command_line::{Item, Meaning};
use crate::guard::places::Link;
use crate::guard::server::Flavour;
use proptest::prelude::*;
use std::path::Path;

fn whys(scene: &Scene) -> Vec<Why> {
    let why = |refusal: Refusal| match refusal {
        Refusal::Value { why, .. } | Refusal::Always { why, .. } => Some(why),
        Refusal::Ambiguous { .. } | Refusal::LineBreak { .. } => None,
    };
    scene.judge().refusals.into_iter().filter_map(why).collect()
}

fn loading(list: &str) -> Scene {
    let mut scene = Scene::new();
    scene.item("plugin_load", list);
    scene
}

fn closing(scene: &Scene) -> Vec<String> {
    let closing = scene.judge().closing;
    closing.into_iter().skip(1).map(|word| word.into_string().unwrap()).collect()
}

#[test]
fn a_library_list_is_cut_as_the_server_cuts_it() {
    for list in ["audit", "audit.so", "A=audit.so", "audit;audit.so", "A=audit:B=audit", ";;audit:"]
    {
        assert_eq!(whys(&loading(list)), [], "{list}");
    }
    for list in
        ["a/audit.so", "A=/tmp/x.so", "x=y=audit", " audit", "audit.SO", "audit,x", "..", "ä"]
    {
        assert_eq!(whys(&loading(list)), [Why::NoLibraryName], "{list}");
    }
    assert_eq!(whys(&loading("audit:new")), [Why::UnknownLibrary]);
    assert_eq!(whys(&loading("audit.so.1")), [Why::UnknownLibrary]);
}

#[test]
fn a_changed_library_is_refused_whether_it_is_named_or_not() {
    let mut scene = Scene::new();
    scene.places.digests.insert(Path::new(PLUGINS).join("audit.so"), 9);
    assert_eq!(whys(&scene), [Why::ChangedLibrary]);
    scene.item("plugin_load", "audit").set("require plugins=audit.so");
    assert_eq!(whys(&scene), [Why::ChangedLibrary]);
}

#[test]
fn without_a_list_of_libraries_they_need_only_be_roots_alone() {
    let mut scene = loading("new");
    scene.briefing.plugins = None;
    assert_eq!(whys(&scene), []);
    scene.item("plugin_dir", "/tmp/p").value("plugin_dir", "/tmp/p").set("allow plugin_dir");
    let all = whys(&scene);
    assert!(!all.is_empty() && all.iter().all(|why| *why == Why::NotRootsAlone), "{all:?}");
}

#[test]
fn a_relative_plugin_directory_is_refused_whatever_is_allowed() {
    let mut scene = Scene::new();
    scene.item("plugin_dir", "../p").set("allow plugin_dir");
    assert_eq!(whys(&scene), [Why::Relative]);
}

#[test]
fn a_required_cluster_address_allows_its_provider_and_no_other_cluster() {
    let mut scene = Scene::new();
    scene
        .item("wsrep_provider", "/usr/lib/galera.so")
        .value("wsrep_provider", "/usr/lib/galera.so");
    scene.value("wsrep_cluster_address", "gcomm://a,b");
    assert_eq!(whys(&scene), [Why::TakesChanges]);
    scene.set("require wsrep_cluster_address=gcomm://a,b");
    assert_eq!(whys(&scene), []);
    scene.value("wsrep_cluster_address", "gcomm://evil");
    assert!(matches!(whys(&scene)[..], [Why::NotRequired { .. }]));
    scene.settings = vec!["allow wsrep".into()];
    assert_eq!(whys(&scene), []);
    scene.item("wsrep_provider", "/tmp/galera.so");
    assert_eq!(whys(&scene), [Why::NotRootsAlone]);
}

#[test]
fn a_server_that_hides_whether_privileges_are_off_is_refused_unless_it_is_mysql() {
    let mut scene = Scene::new();
    scene.values.remove("skip_grant_tables");
    assert_eq!(whys(&scene), [Why::NotTold]);
    scene.server.flavour = Flavour::MySql;
    assert_eq!(whys(&scene), []);
    for odd in ["TRUE", "1", "2", "ON", "", "maybe"] {
        scene.value("skip_grant_tables", odd);
        assert_eq!(whys(&scene), [Why::NoAuthentication], "{odd}");
    }
}

#[test]
fn an_ambiguous_abbreviation_of_something_judged_is_refused() {
    let mut scene = Scene::new();
    let ambiguous = |names: &[&str]| Item {
        words: vec!["--x".into()],
        meaning: Meaning::Ambiguous {
            names: names.iter().map(|&name| name.into()).collect(),
            written: "x".into(),
        },
    };
    scene.items = vec![ambiguous(&["max_connections", "max_digest_length"])];
    assert!(scene.judge().is_clear());
    scene.items = vec![ambiguous(&["init_rpl_role", "init_file"])];
    let refusals = scene.judge().refusals;
    assert!(refusals[0].hint().contains("write it in full"));
}

#[test]
fn a_line_break_in_a_value_is_refused() {
    let mut scene = Scene::new();
    scene.item("init_connect", "x\nskip-grant-tables FALSE");
    assert_eq!(scene.judge().refusals, [Refusal::LineBreak { option: "init_connect".into() }]);
}

#[test]
fn what_was_set_is_frozen_to_where_it_leads() {
    let mut scene = Scene::new();
    for (name, value) in [("innodb_log_group_home_dir", "/var/lib/mysql/redo"), ("log_tc", "tc")] {
        scene.item(name, value).value(name, value);
    }
    scene.value("innodb_undo_directory", "/var/lib/mysql/undo");
    let expected =
        [format!("--innodb_log_group_home_dir={DATA}/redo"), format!("--log_tc={DATA}/tc")];
    assert_eq!(closing(&scene), expected);
}

#[test]
fn data_files_are_frozen_with_their_sizes() {
    let mut scene = Scene::new();
    let files = "a:1M;/var/lib/mysql/b:2M:autoextend";
    scene.item("innodb_data_file_path", files).value("innodb_data_file_path", files);
    scene.value("innodb_data_home_dir", "");
    let expected = [format!("--innodb_data_file_path=a:1M;{DATA}/b:2M:autoextend")];
    assert_eq!(closing(&scene), expected);
    scene.value("innodb_data_file_path", "../../x:1M").set("allow innodb_data_file_path");
    assert_eq!(whys(&scene), [Why::OutsideData]);
}

#[test]
fn links_into_other_locations_are_refused_and_others_are_said() {
    let mut scene = Scene::new();
    let link = |to: &str| Link { at: "/M/x".into(), to: to.into() };
    let stays = format!("{DATA}/db");
    let other = format!("{OTHER}/db");
    scene.places.links = Some(vec![link(&stays), link(&other), link("/srv/db")]);
    let verdict = scene.judge();
    assert_eq!((verdict.refusals.len(), verdict.warnings.len()), (1, 1));
    assert!(verdict.refusals[0].to_string().contains("home/other"));
    scene.set("allow schema_links");
    assert_eq!(scene.judge().warnings, []);
    assert!(scene.judge().is_clear());
}

#[test]
fn a_data_directory_that_cannot_be_listed_or_found_is_refused() {
    let mut scene = Scene::new();
    scene.places.links = None;
    assert!(matches!(whys(&scene)[..], [Why::Unseen { .. }]));
    scene.value("datadir", "/nowhere/x").set("allow datadir");
    assert!(matches!(whys(&scene)[..], [Why::Unseen { .. }]));
    scene.value("datadir", "relative");
    assert_eq!(whys(&scene), [Why::Relative]);
}

#[test]
fn logs_that_are_off_and_exports_that_are_forbidden_are_no_leak() {
    let mut scene = Scene::new();
    scene.value("general_log_file", "/tmp/g").value("slow_query_log_file", "/tmp/s");
    scene.value("secure_file_priv", "NULL").value("log_bin_index", "/tmp/i");
    assert_eq!(scene.judge().warnings, []);
    scene.value("general_log", "TRUE").value("log_output", "TABLE");
    assert_eq!(scene.judge().warnings, []);
    scene.value("log_output", "TABLE,FILE");
    assert_eq!(scene.judge().warnings.len(), 1);
}

#[test]
fn a_secret_is_never_shown() {
    let mut scene = Scene::new();
    scene
        .item("report_password", "hunter2")
        .item("authentication_ldap_simple_bind_root_pwd", "hunter2");
    scene.item("file_key_management_filekey", "hunter2");
    let verdict = scene.judge();
    assert_eq!((verdict.refusals.len(), verdict.warnings.len()), (1, 3));
    assert!(!format!("{verdict:?}").contains("hunter2"));
}

#[test]
fn mysqls_persisted_variables_and_plain_settings_can_be_forbidden_and_required() {
    let mut scene = Scene::new();
    scene.value("persisted_globals_load", "TRUE").value("bind_address", "0.0.0.0");
    assert!(scene.judge().is_clear());
    scene.set("forbid persisted").set("require bind_address=127.0.0.1");
    assert_eq!(scene.judge().refusals.len(), 2);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let mut scene = Scene::new();
    scene.item("init_file", "/x").item("bootstrap", "").item("chroot", "/x");
    assert_eq!(scene.judge().refusals.len(), 3);
}

proptest! {
    #[test]
    fn no_list_names_a_library_that_is_not_known(list in "[a-z=;:./ ]{0,16}") {
        let known = |part: &str| {
            let library = part.split_once('=').map_or(part, |(_, library)| library);
            matches!(library, "audit" | "audit.so")
        };
        let clear = list.split([';', ':']).filter(|part| !part.is_empty()).all(known);
        prop_assert_eq!(loading(&list).judge().is_clear(), clear);
    }

    #[test]
    fn what_a_prefix_says_does_not_make_a_dangerous_option_better(
        prefixes in prop::collection::vec("skip|disable|loose|enable", 0..3), unknown: bool
    ) {
        for name in ["init_file", "bootstrap", "chroot", "plugin_load"] {
            let (name, value) = (name.to_owned(), Some("x".into()));
            let meaning = match unknown {
                true => Meaning::Unknown { name, value },
                false => Meaning::Option { name, value, prefixes: prefixes.clone() },
            };
            let mut scene = Scene::new();
            scene.items.push(Item { words: vec![], meaning });
            prop_assert!(!scene.judge().is_clear());
        }
    }

    #[test]
    fn words_behind_the_end_are_none_of_the_options(word in "--[a-z_=]{0,12}") {
        let mut scene = Scene::new();
        scene.items.push(Item { words: vec!["--".into()], meaning: Meaning::End });
        scene.items.push(Item { words: vec![word.into()], meaning: Meaning::Word });
        prop_assert!(scene.judge().is_clear());
    }
}

#[test]
fn libraries_for_every_program_are_refused_unless_the_policy_allows_them() {
    for preloads in [Some(true), None] {
        let mut scene = Scene::new();
        scene.places.preloads = preloads;
        let refusals = scene.judge().refusals;
        assert!(refusals[0].to_string().contains("/etc/ld.so.preload"), "{refusals:?}");
        assert!(scene.set("allow ld_so_preload").judge().is_clear());
    }
}

#[test]
fn within_the_data_a_file_bears_the_name_of_what_it_is() {
    for (name, right, wrong) in [
        ("general_log_file", "vm.log", "master.info"),
        ("general_log_file", "/tmp/anything", "tc.log"),
        ("slow_query_log_file", "slow.log", "mysql/x.TRG"),
        ("log_error", "vm.err", "/var/lib/mysql/relay-log.info"),
        ("pid_file", "vm.pid", "shop/people.MYD"),
        ("socket", "mysql.sock", "shop/people.MYI"),
        ("log_bin_index", "bin.index", "relay-bin.index"),
        ("log_bin", "bin", "relay-bin"),
        ("relay_log", "vm-relay-bin", "bin"),
        ("relay_log_index", "relay-bin.index", "bin.index"),
        ("master_info_file", "master.info", "vm.log"),
        ("relay_log_info_file", "relay-log.info", "vm.log"),
        ("innodb_temp_data_file_path", "ibtmp1:12M:autoextend", "shop/people.MYD:12M"),
        ("innodb_buffer_pool_filename", "ib_buffer_pool", "mysql/global_priv.MAD"),
    ] {
        let mut scene = Scene::new();
        assert!(scene.value(name, right).judge().is_clear(), "{name}={right}");
        let refusals = scene.value(name, wrong).judge().refusals;
        assert!(
            refusals.iter().any(|r| r.to_string().contains("name of what it is")),
            "{name}={wrong}"
        );
    }
}
