"""Why no connection to the broker comes about, in a sentence for the operator. Pure."""

import socket
import ssl


def unreachable_reason(error: BaseException | None, host: str, port: int) -> str:
    """Return the reason that `error`, raised by a connection to `host:port`, stands for.

    None stands for a broker that has not answered.
    """
    match error:
        case None:
            return (
                f"{host}:{port} takes no MQTT connection; "
                "check [mqtt] url, its mqtt:// or mqtts://, and the certificates"
            )
        case socket.gaierror():
            return f"the name {host} cannot be resolved; check [mqtt] url and the name server"
        case ConnectionRefusedError():
            return f"nothing listens on {host}:{port}; check [mqtt] url, and that the broker runs"
        case ssl.SSLCertVerificationError():
            return (
                f"the certificate of {host}:{port} is not valid: {error.verify_message}; "
                "renew it, or mend [mqtt] ca or this machine's clock"
            )
        case TimeoutError():
            return f"{host}:{port} does not answer; check [mqtt] url, the network and firewalls"
        case _:
            return f"{host}:{port}: {error}"
