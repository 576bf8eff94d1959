"""Spans by OpenTelemetry's own instrumentation of aiohttp: one for each request, and no secret."""

from __future__ import annotations

import json

import pytest
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from heymarket_async import ApiSecret, HeymarketClient, NewContact, RetryPolicy
from heymarket_async.sandbox import Sandbox


@pytest.fixture
def spans():
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    AioHttpClientInstrumentor().instrument(tracer_provider=provider)
    yield exporter
    AioHttpClientInstrumentor().uninstrument()
    provider.shutdown()


async def test_each_request_is_a_span_and_holds_no_secret_and_no_phone(spans):
    async with Sandbox(contacts=3, seed=1) as sandbox:
        quick = RetryPolicy(base_s=0.001, cap_s=0.01)
        credentials = ApiSecret(*sandbox.credentials)
        async with HeymarketClient(credentials, base_url=sandbox.url, retry=quick) as client:
            sandbox.faults.answer(503, on="POST /v1/contact/get")
            await client.contacts.ensure(NewContact(phone="15105550101"))

    finished = spans.get_finished_spans()
    assert len(finished) == len(sandbox.requests)
    statuses = [span.attributes.get("http.status_code") for span in finished]
    assert statuses == [request.status for request in sandbox.requests]
    spans = json.dumps([json.loads(span.to_json()) for span in finished])
    assert "15105550101" not in spans
    assert sandbox.credentials.secret_key not in spans
    assert "Bearer" not in spans
