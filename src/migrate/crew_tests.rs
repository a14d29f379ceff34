use super::*;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread::{current, sleep};
use std::time::Duration;

fn changed(item: usize) -> Error {
    Error::Changed(PathBuf::from(item.to_string()))
}

#[test]
fn everything_is_done_once_by_several_and_told_by_the_one_that_asks() {
    let items: Vec<usize> = (0..500).collect();
    let asking = current().id();
    let (done, workers) = (Mutex::new(Vec::new()), Mutex::new(HashSet::new()));
    let mut bytes = 0;
    let mut teller = |news: News<'_>| {
        assert_eq!(current().id(), asking);
        if let News::Bytes(count) = news {
            bytes += count;
        }
    };
    work(&items, 4, &mut teller, &|item, teller| {
        workers.lock().unwrap().insert(current().id());
        done.lock().unwrap().push(*item);
        sleep(Duration::from_micros(50));
        teller(News::Bytes(*item));
        Ok(())
    })
    .unwrap();
    let mut done = done.into_inner().unwrap();
    done.sort_unstable();
    assert_eq!((done, bytes), (items, 500 * 499 / 2));
    let workers = workers.into_inner().unwrap();
    assert!(workers.len() > 1 && !workers.contains(&asking), "{}", workers.len());
}

#[test]
fn one_thread_is_the_one_that_asks() {
    let asking = current().id();
    work(&[1, 2, 3], 1, &mut |_| {}, &|_, _| {
        assert_eq!(current().id(), asking);
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_error_ends_the_work() {
    let items: Vec<usize> = (0..100_000).collect();
    for threads in [1, 3] {
        let done = AtomicUsize::new(0);
        let failed = work(&items, threads, &mut |_| {}, &|item, _| {
            done.fetch_add(1, Relaxed);
            sleep(Duration::from_micros(10));
            if *item == 7 { Err(changed(*item)) } else { Ok(()) }
        });
        assert!(matches!(failed, Err(Error::Changed(path)) if path.as_os_str() == "7"));
        assert!(done.into_inner() < items.len());
    }
}

#[test]
fn a_panic_of_one_ends_the_work_of_all() {
    let items: Vec<usize> = (0..100_000).collect();
    let done = AtomicUsize::new(0);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        work(&items, 3, &mut |_| {}, &|item, _| {
            done.fetch_add(1, Relaxed);
            sleep(Duration::from_micros(10));
            assert_ne!(*item, 7, "a test");
            Ok(())
        })
    }));
    assert!(panicked.is_err());
    assert!(done.into_inner() < items.len());
}

#[test]
fn a_panic_of_who_is_told_ends_the_work() {
    let items: Vec<usize> = (0..100_000).collect();
    let done = AtomicUsize::new(0);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        work(&items, 3, &mut |_| panic!("a test"), &|_, teller| {
            done.fetch_add(1, Relaxed);
            sleep(Duration::from_micros(10));
            teller(News::Bytes(1));
            Ok(())
        })
    }));
    assert!(panicked.is_err());
    assert!(done.into_inner() < items.len());
}

#[test]
fn little_is_done_by_one_thread() {
    assert_eq!((threads_for(0), threads_for(1 << 20)), (1, 1));
    let many = available_parallelism().unwrap().get().min(MAX_THREADS);
    assert_eq!(threads_for(1 << 30), many);
}
