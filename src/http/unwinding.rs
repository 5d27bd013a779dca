//! A panic ends at the request that caused it (SEC-40). Without this, other requests on the same
//! connection would be lost with it.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

/// A future whose panic is a value.
#[derive(Debug)]
pub(super) struct Caught<T>(pub(super) Pin<Box<T>>);

/// What a panic leaves behind; it is not looked at, for it may quote what is secret.
pub(super) type Panic = Box<dyn Any + Send>;

impl<T: Future> Future for Caught<T> {
    type Output = Result<T::Output, Panic>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // After a panic the future is dropped and nothing of it is seen again.
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
