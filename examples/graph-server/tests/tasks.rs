//! A task or a thread that must run as long as the process ends it, however it ends.

use std::future::{pending, ready};

use presence_graph_server::tasks::Tasks;

#[tokio::test]
async fn the_first_end_is_told_with_what_has_ended_and_why() {
    let mut tasks = Tasks::default();
    tasks.spawn("waiting", pending());
    tasks.spawn("a task", async { panic!("as it should") });
    assert_eq!(tasks.end().await.to_string(), "a task has panicked");
    tasks.spawn("a task", ready(Ok(())));
    assert_eq!(tasks.end().await.to_string(), "a task has ended");
    tasks.spawn("a task", ready(Err(anyhow::anyhow!("the reason"))));
    assert_eq!(format!("{:#}", tasks.end().await), "a task has failed: the reason");
    tasks.spawn_thread("a thread", || panic!("as it should"));
    assert_eq!(tasks.end().await.to_string(), "a thread has panicked");
    tasks.spawn_thread("a thread", || Err(anyhow::anyhow!("the reason")));
    assert_eq!(format!("{:#}", tasks.end().await), "a thread has failed: the reason");
}
