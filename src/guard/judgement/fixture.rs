//! A machine, a server and a policy for tests of the judgement.
//!
//! `/var/lib/mysql` and `/home/other` are symlinks to encrypted locations; only the first is this
//! server's data. What is below `/usr` is root's alone. Nothing is below `/nowhere`.

use super::{Grounds, Verdict, before_asking, effective};
use crate::guard::command_line::{Item, Meaning};
use crate::guard::places::{Link, Places};
use crate::guard::policy::Policy;
use crate::guard::server::{Effective, Flavour, Server};
use crate::service::guards::wire::{Briefing, Plugin};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

pub const DATA: &str = "/M/mysql/var/lib/mysql";
pub const OTHER: &str = "/M/other/home/other";
pub const PLUGINS: &str = "/usr/lib/mysql/plugin";

/// Files by table.
#[derive(Default)]
pub struct Fake {
    /// What is in regular files, by path; its first byte 32 times is the digest.
    pub digests: BTreeMap<PathBuf, u8>,
    /// Symlinks in every directory; none when it cannot be listed.
    pub links: Option<Vec<Link>>,
    /// Whether the loader preloads; none when that cannot be seen.
    pub preloads: Option<bool>,
}

impl Places for Fake {
    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut plain = PathBuf::new();
        for component in path.components() {
            match component {
                Component::ParentDir => drop(plain.pop()),
                Component::CurDir => {}
                other => plain.push(other),
            }
        }
        if plain.starts_with("/nowhere") {
            return Err(io::ErrorKind::NotFound.into());
        }
        for (link, target) in [("/var/lib/mysql", DATA), ("/home/other", OTHER)] {
            if let Ok(rest) = plain.strip_prefix(link) {
                return Ok(Path::new(target).join(rest).components().collect());
            }
        }
        Ok(plain)
    }

    fn is_roots_alone(&self, path: &Path) -> io::Result<bool> {
        Ok(self.resolve(path)?.starts_with("/usr"))
    }

    fn sha256(&self, path: &Path) -> io::Result<[u8; 32]> {
        self.digests.get(path).map(|&byte| [byte; 32]).ok_or(io::ErrorKind::NotFound.into())
    }

    fn preloads(&self) -> io::Result<bool> {
        self.preloads.ok_or(io::ErrorKind::PermissionDenied.into())
    }

    fn links_out_of(&self, _dir: &Path) -> io::Result<Vec<Link>> {
        self.links.clone().ok_or(io::ErrorKind::PermissionDenied.into())
    }
}

/// What one test judges.
pub struct Scene {
    pub server: Server,
    pub briefing: Briefing,
    pub places: Fake,
    pub items: Vec<Item>,
    pub values: BTreeMap<String, Option<OsString>>,
    pub settings: Vec<String>,
}

impl Scene {
    /// A run to which nothing can be objected.
    pub fn new() -> Self {
        let values = [
            ("skip_grant_tables", "FALSE"),
            ("basedir", "/usr/"),
            ("datadir", "/var/lib/mysql/"),
            ("plugin_dir", "/usr/lib/mysql/plugin/"),
            ("tmpdir", "/var/lib/mysql/tmp"),
            ("secure_file_priv", "/var/lib/mysql/files"),
            ("init_connect", ""),
            ("aria_log_dir_path", "/var/lib/mysql/"),
            ("relay_log_info_file", "relay-log.info"),
            ("innodb_data_file_path", "ibdata1:12M:autoextend"),
            ("wsrep_provider", "none"),
        ];
        let mut scene = Self {
            server: server(),
            briefing: briefing(),
            places: Fake {
                digests: BTreeMap::new(),
                links: Some(Vec::new()),
                preloads: Some(false),
            },
            items: Vec::new(),
            values: BTreeMap::new(),
            settings: Vec::new(),
        };
        for (name, value) in values {
            scene.value(name, value);
        }
        for (name, byte) in [("audit.so", 1), ("handlersocket.so", 2)] {
            scene.places.digests.insert(Path::new(PLUGINS).join(name), byte);
        }
        scene
    }

    pub fn item(&mut self, name: &str, value: &str) -> &mut Self {
        let words = vec![format!("--{name}={value}").into()];
        let (name, value) = (name.into(), Some(value.into()));
        self.items.push(Item { words, meaning: Meaning::Option { name, value, prefixes: vec![] } });
        self
    }

    pub fn value(&mut self, name: &str, value: &str) -> &mut Self {
        self.values.insert(name.into(), Some(value.into()));
        self
    }

    pub fn set(&mut self, setting: &str) -> &mut Self {
        self.settings.push(setting.into());
        self
    }

    /// Both judgements together.
    pub fn judge(&self) -> Verdict {
        let policy = Policy::parse(&self.settings).unwrap();
        let grounds = Grounds {
            server: &self.server,
            policy: &policy,
            briefing: &self.briefing,
            places: &self.places,
        };
        let mut verdict = before_asking(&self.items, &grounds);
        let second = effective(&Effective::new(self.values.clone()), &self.items, &grounds);
        verdict.refusals.extend(second.refusals);
        verdict.warnings.extend(second.warnings);
        verdict.closing.extend(second.closing);
        verdict
    }
}

fn server() -> Server {
    Server {
        flavour: Flavour::MariaDb,
        version: "10.11.19".into(),
        files: vec![],
        groups: vec![],
        options: BTreeMap::new(),
        letters: BTreeMap::new(),
        basedir: "/usr".into(),
        plugin_dir: PLUGINS.into(),
    }
}

fn briefing() -> Briefing {
    let plugin = |name: &str, byte: &str| Plugin { name: name.into(), sha256: byte.repeat(32) };
    Briefing {
        guard: "/usr/sbin/mysqld".into(),
        server: "/M/protected/usr/sbin/mysqld".into(),
        original: "/usr/sbin/mysqld".into(),
        mount: "/M".into(),
        unconfirmed: Vec::new(),
        data: vec![DATA.into()],
        encrypted: vec![DATA.into(), OTHER.into()],
        settings: vec![],
        permit: None,
        plugins: Some(vec![plugin("audit.so", "01"), plugin("handlersocket.so", "02")]),
        facts: None,
        reload_privileges: false,
    }
}
