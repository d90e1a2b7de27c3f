"""Sends webhooks as Flip does, and as nobody should: many at once, over plain sockets."""
import asyncio
import base64
import hashlib
import hmac
import json
import time

SECRET = "whsec_" + base64.b64encode(b"a secret of the tests alone").decode()
PATH = "/webhook/flip"
TIMEOUT, REDELIVERIES, PAUSE = 5, 4, 0.5  # seconds for an answer (Flip: Webhooks); how often, how soon again


def envelope(name, site="home-1", **more):
    body = {"event_type": "event.created", "timestamp": "2026-01-01T00:00:00Z"}
    body["event_object"] = {"id": name, "site_id": site, "status": "UPCOMING", "starts_at": "2036-01-01T00:00:00Z", **more}
    return json.dumps(body).encode()


def headers(name, body, secret=SECRET, age=0):
    """Those of Standard Webhooks."""
    at, key = int(time.time()) - age, base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    return {"Webhook-Id": name, "Webhook-Timestamp": at, "Webhook-Signature": f"v1,{base64.b64encode(signature).decode()}"}


def request(body, fields, path=PATH):
    lines = [f"POST {path} HTTP/1.1", "Host: bridge", f"Content-Length: {len(body)}", "Content-Type: application/json"]
    return "\r\n".join([*lines, *(f"{k}: {v}" for k, v in fields.items()), "", ""]).encode() + body


async def once(port, data):
    """The status of one delivery; 0 where there is no answer."""
    writer = None
    try:
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            await writer.drain()
            line = await reader.readline()
            return int(line.split()[1]) if line else 0
    except (OSError, TimeoutError):
        return 0
    finally:
        if writer:
            writer.close()


async def deliver(port, name, body, **sign):
    """As Flip: again after a failure, under the same id, signed anew. The last status and the number of attempts."""
    status = 0
    for attempt in range(1 + REDELIVERIES):
        status = await once(port, request(body, headers(name, body, **sign)))
        if status not in (0, 503):
            break
        await asyncio.sleep(PAUSE)
    return status, attempt + 1


async def slow(port, drip):
    """A client that never comes to its end; how long it was borne. 0 where it was not even let in."""
    began = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return 0
    try:
        for byte in drip:
            writer.write(bytes([byte]))
            await writer.drain()
            try:
                async with asyncio.timeout(0.3):
                    if not await reader.read(1):
                        break
            except TimeoutError:
                continue
    except OSError:
        pass
    writer.close()
    return time.monotonic() - began
