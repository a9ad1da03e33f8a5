//! Tells a service manager how far the process is.
use std::{env, os::unix::net::UnixDatagram, path::Path};

/// Says that the process serves. Without a service manager that asked for it, nothing happens.
pub(super) fn ready() {
    notify(env::var_os("NOTIFY_SOCKET").as_deref().map(Path::new), "READY=1");
}

/// Says that the process is about to end.
pub(super) fn stopping() {
    notify(env::var_os("NOTIFY_SOCKET").as_deref().map(Path::new), "STOPPING=1");
}

fn notify(socket: Option<&Path>, state: &str) {
    let Some(path) = socket.filter(|path| path.is_absolute()) else { return };
    let sent = UnixDatagram::unbound().and_then(|it| it.send_to(state.as_bytes(), path));
    if let Err(error) = sent {
        tracing::warn!("NOTIFY_SOCKET {}: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_manager_hears_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        notify(Some(&path), "READY=1");
        let mut buffer = [0; 16];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
    }

    #[test]
    fn without_a_service_manager_nothing_happens() {
        notify(None, "READY=1");
        notify(Some(Path::new("")), "READY=1");
        notify(Some(Path::new("/nowhere/notify")), "READY=1");
    }
}
