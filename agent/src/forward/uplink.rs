//! The session over which the forwarder speaks: that of a broker, or a scripted one in tests.

use base::mqtt::{Client, Delivered, Message, PublishError};

/// A session with a broker, as [`base::mqtt`] describes it. Clones share it.
pub trait Uplink: Clone + Send + Sync + 'static {
    /// Publishes, and ends with the acknowledgement of this message.
    fn publish(&self, message: Message) -> impl Future<Output = Result<Delivered, PublishError>> + Send;

    /// Is there a connection?
    fn is_connected(&self) -> bool;

    /// Ends the session in order.
    fn close(self) -> impl Future<Output = ()> + Send;
}

impl Uplink for Client {
    async fn publish(&self, message: Message) -> Result<Delivered, PublishError> {
        Client::publish(self, message).await
    }

    fn is_connected(&self) -> bool {
        Client::is_connected(self)
    }

    async fn close(self) {
        Client::close(self).await;
    }
}
