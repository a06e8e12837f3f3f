"""A server on a loopback port with a thread for each connection: what stand-ins for a member have
in common."""
import socket
import threading


class LoopbackServer:
    def __init__(self, scheme="http"):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        """No more connections; those that are there go on."""
        self._listener.close()

    def serve(self, client):
        """On a thread of its own; an OSError ends it without a word."""
        raise NotImplementedError

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with client:
                self.serve(client)
        except OSError:
            pass
