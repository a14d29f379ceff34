//! An instance without a service and a tree, on a small disk that is put back for each try. A command that finds
//! no service does the work itself, by the same engine.

use crate::support::ciphertext::headers;
use crate::support::process::Outcome;
use crate::support::small_disk::SmallDisk;
use crate::support::strace::{CHANGES, Call, calls, under_strace};
use crate::support::tree::{Snapshot, names, set_attribute};
use crate::support::{Instance, machine, sample};
use ezncrypt::crypto::CategoryKeys;
use ezncrypt::keystore::{Keystore, Sealed, Secret, State};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The tree's category.
pub const CATEGORY: &str = "@files";

/// What is done to the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Encrypt,
    Decrypt,
    Rotate,
    RotateData,
}

impl Work {
    /// The command that does it.
    pub fn args(self, tree: &Path) -> Vec<&str> {
        let tree = tree.to_str().unwrap();
        match self {
            Self::Encrypt => vec!["-e", CATEGORY, tree],
            Self::Decrypt => vec!["-d", tree],
            Self::Rotate => vec!["key", "rotate", CATEGORY],
            Self::RotateData => vec!["key", "rotate", CATEGORY, "--data"],
        }
    }
}

/// Whether the long form is asked for.
pub fn is_long() -> bool {
    std::env::var_os("EZNCRYPT_LONG").is_some()
}

/// The calls that are tried: all in the long form, else so many of them.
pub fn tried(calls: Vec<Call>, count: usize) -> Vec<Call> {
    if is_long() {
        return calls;
    }
    let step = calls.len().div_ceil(count).max(1);
    calls.into_iter().skip(step / 2).step_by(step).collect()
}

/// Tries `each` with every one of them, and fails the test after the last, naming all that failed.
pub fn for_each_call(bench: &Bench, tried: Vec<Call>, each: impl Fn(Call)) {
    let (count, mut failed) = (tried.len(), 0);
    for one in tried {
        let attempt = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| each(one)));
        if attempt.is_err() {
            failed += 1;
            bench.clear();
        }
    }
    assert!(count > 0 && failed == 0, "{failed} of {count} failed; each is told above");
}

/// A small disk with an instance on it and a tree on which the work is about to be done.
pub struct Bench {
    pub work: Work,
    pub instance: Instance,
    pub disk: SmallDisk,
    pub before: Snapshot,
}

impl Bench {
    pub fn new(work: Work) -> Self {
        let disk = SmallDisk::of(4096, 64);
        let root = disk.top().join("i");
        fs::create_dir(&root).unwrap();
        let instance = Instance::initialised_in(root);
        let tree = instance.work().join("tree");
        make_tree(&tree);
        let before = Snapshot::of(&tree);
        if work != Work::Encrypt {
            instance.encrypt(CATEGORY, &tree);
        }
        disk.unmount();
        fs::rename(disk.image(), disk.beside("template")).unwrap();
        Self { work, instance, disk, before }
    }

    pub fn tree(&self) -> PathBuf {
        self.instance.work().join("tree")
    }

    /// Puts the disk back as it was before the work; what was mounted is not any more.
    pub fn put_back(&self) {
        if machine::is_mounted(&self.disk.top()) {
            self.disk.unmount();
        }
        self.disk.copy("template", "image");
        self.disk.attach(&self.disk.image());
    }

    /// Ends what a try that failed left.
    fn clear(&self) {
        if machine::is_mounted(&self.disk.top()) {
            self.instance.run(["stop", "--force"]);
            machine::detach(&self.instance.mount());
        }
    }

    /// What strace is to write.
    pub fn seen(&self) -> PathBuf {
        self.disk.beside("seen")
    }

    /// Does the work under strace with these options.
    pub fn traced(&self, options: &[&str]) -> Outcome {
        let tree = self.tree();
        let command = self.instance.command("ezncrypt", self.work.args(&tree));
        under_strace(&command, options, &self.seen())
    }

    /// Does the work with one call killed or refused: `inject` is strace's word for it.
    pub fn injected(&self, call: &Call, inject: &str) -> Outcome {
        let trace = format!("trace={}", call.name);
        let inject = format!("inject={}:{inject}:when={}", call.name, call.nth);
        self.traced(&["-e", &trace, "-e", &inject])
    }

    /// The calls of the whole work that change anything, from a run that nothing disturbs.
    pub fn changes(&self) -> Vec<Call> {
        self.put_back();
        self.traced(&["-y", "-e", &format!("trace={CHANGES}")]).succeeds();
        let changes: Vec<Call> = calls(&self.seen()).into_iter().filter(is_change).collect();
        assert!(changes.len() > 50, "only {} calls: does strace see them?", changes.len());
        changes
    }

    /// Does the work again, and looks that everything is as if nothing had ever disturbed it.
    #[track_caller]
    pub fn again(&self, what: &str) {
        let (tree, instance) = (self.tree(), &self.instance);
        let is_done = self.is_done();
        let again = instance.run(self.work.args(&tree));
        if is_done {
            let done = match self.work {
                Work::Encrypt => "is already encrypted",
                _ => "is no encrypted location",
            };
            assert!(again.code == Some(1) && again.stderr.contains(done), "{what}, again: {again}");
        } else {
            // What was not done is now, also where only something was left to be removed.
            assert_eq!(again.code, Some(0), "{what}, again: {again}");
        }
        instance.assert_no_leftovers(&instance.work());
        if self.work == Work::Decrypt {
            self.before.assert_same(&Snapshot::of(&tree), what);
            assert_eq!(headers(&instance.storage()), [], "{what}: ciphertext is left");
            instance.run(["list", "--json"]).succeeds().prints("[]");
            return;
        }
        assert!(fs::symlink_metadata(&tree).unwrap().is_symlink(), "{what}");
        let stored = Snapshot::of_ciphertext(&self.stored(), &self.keys().unwrap());
        self.before.assert_same(&self.judged(stored.unwrap()), what);
        if matches!(self.work, Work::Rotate | Work::RotateData) {
            let epochs: BTreeSet<u32> =
                headers(&instance.storage()).iter().map(|header| header.epoch).collect();
            let known = instance.run(["key", "list", "--json"]).succeeds().json();
            let known = &known["categories"][0]["epochs"];
            assert_eq!(known, &serde_json::json!(epochs), "{what}");
        }
        instance.decrypt(&tree);
        self.before.assert_same(&self.judged(Snapshot::of(&tree)), what);
    }

    /// A tree as it is to be compared.
    fn judged(&self, found: Snapshot) -> Snapshot {
        match self.work {
            Work::Encrypt | Work::Decrypt => found,
            // docs/rotation.md, "When it is interrupted".
            Work::Rotate | Work::RotateData => found.forgiving_later_times(&self.before),
        }
    }

    /// Where the ciphertext is in the end.
    fn stored(&self) -> PathBuf {
        self.instance.storage().join("files").join(self.tree().strip_prefix("/").unwrap())
    }

    /// Whether an encryption or decryption is done with all that belongs to it, so that nothing is left to be finished:
    /// only then it may be an error to ask for it again.
    fn is_done(&self) -> bool {
        let keystore = self.keystore().unwrap();
        let is_aside = |path: &PathBuf| path.to_string_lossy().contains("/.ezncrypt-");
        let aside = in_directory(&self.instance.work()).iter().any(is_aside);
        match self.work {
            Work::Encrypt => {
                keystore.locations().iter().any(|l| l.state == State::Encrypted) && !aside
            }
            Work::Decrypt => keystore.locations().is_empty(),
            Work::Rotate | Work::RotateData => false,
        }
    }

    fn keystore(&self) -> Result<Keystore, String> {
        let sealed = Sealed::load(&self.instance.state().join("keystore"));
        let secret = Secret::passphrase(b"correct horse", b"battery staple");
        let keystore = sealed.and_then(|sealed| sealed.unlock(&secret));
        keystore.map_err(|error| error.to_string())
    }

    fn keys(&self) -> Result<Arc<CategoryKeys>, String> {
        self.keystore()?.category("files").cloned().ok_or_else(|| "there is no key".into())
    }

    /// Fails the test unless there is one complete copy of the tree, plain or encrypted with the keys that there
    /// are; and if plaintext lies elsewhere than on its path, that is told.
    #[track_caller]
    pub fn assert_whole(&self, what: &str) {
        let tree = self.tree();
        let is_here = fs::symlink_metadata(&tree).is_ok_and(|found| !found.is_symlink());
        let aside = self.aside();
        let plain = is_here.then_some(tree).into_iter().chain(aside.clone());
        let mut whole = plain.filter(|copy| Snapshot::of(copy) == self.before).count();
        let mut why = Vec::new();
        let staged = in_directory(&self.instance.storage().join(".staging"));
        let stored = Some(self.stored()).filter(|path| path.exists());
        for copy in staged.into_iter().chain(stored) {
            let found = self.keys().and_then(|keys| Snapshot::of_ciphertext(&copy, &keys));
            let found = found.map(|found| self.judged(found));
            match found {
                Ok(found) if found == self.before => whole += 1,
                Ok(_) => why.push(format!("{copy:?} is another tree")),
                Err(error) => why.push(format!("{copy:?}: {error}")),
            }
        }
        assert!(whole > 0, "{what}: there is no complete copy any more: {why:?}");
        let status = self.instance.run(["status"]);
        for path in aside {
            let private = path.parent().unwrap().to_str().unwrap();
            assert!(status.stdout.contains(private), "{what}: {private} is not told: {status}");
        }
    }

    /// Plaintext in the private directory beside the tree, whole or not.
    fn aside(&self) -> Vec<PathBuf> {
        let is_private = |path: &PathBuf| path.to_string_lossy().contains("/.ezncrypt-");
        let privates = in_directory(&self.instance.work()).into_iter().filter(is_private);
        let inside = privates.flat_map(|private| in_directory(&private));
        inside.filter(|path| !fs::symlink_metadata(path).unwrap().is_symlink()).collect()
    }
}

/// Whether a call may have changed anything: it was not refused, and is not about a terminal or another process.
pub fn is_change(call: &Call) -> bool {
    let is_told = ["write(2<", "write(1<"].iter().any(|told| call.line.starts_with(told));
    let elsewhere = ["<socket:", "<pipe:", "<anon_inode:", "</dev/"];
    !is_told && !elsewhere.iter().any(|other| call.line.contains(other))
}

fn in_directory(path: &Path) -> Vec<PathBuf> {
    if !path.exists() {
        return Vec::new();
    }
    names(path).into_iter().map(|name| path.join(name)).collect()
}

/// One of each kind of thing that must survive, and not one more: each costs tries.
fn make_tree(top: &Path) {
    let (uid, gid) = machine::user("mysql");
    fs::create_dir_all(top.join("sub")).unwrap();
    fs::write(top.join("rows"), sample::bytes(1, 9000)).unwrap();
    fs::hard_link(top.join("rows"), top.join("sub/rows too")).unwrap();
    fs::write(top.join("empty"), "").unwrap();
    symlink("rows", top.join("symlink")).unwrap();
    sample::sparse(&top.join("sparse"), 4 << 20, &[(5 << 19, 5000)]);
    for path in ["rows", "sub"] {
        chown(top.join(path), Some(uid), Some(gid)).unwrap();
    }
    set_attribute(&top.join("rows"), "user.note", b"kept");
    fs::set_permissions(top.join("rows"), Permissions::from_mode(0o4640)).unwrap();
    fs::set_permissions(top.join("sub"), Permissions::from_mode(0o1770)).unwrap();
    for (index, path) in ["rows", "symlink", "empty", "sub", ""].iter().enumerate() {
        sample::set_modified(&top.join(path), 1_000_000_000 + index as i64, 7);
    }
}
