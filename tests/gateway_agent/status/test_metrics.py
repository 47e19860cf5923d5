"""The metrics page: one type for each name, labels escaped."""

from gateway_agent.status.metrics import Metric, metrics_page


def test_metrics_of_one_name_stand_together_and_labels_are_escaped() -> None:
    page = metrics_page(
        [
            Metric("errors_total", 2, {"code": "no_reply"}),
            Metric("depth", 5),
            Metric("errors_total", 1, {"code": 'a "b"\\\n'}),
        ]
    )
    assert page.splitlines() == [
        "# TYPE errors_total counter",
        'errors_total{code="no_reply"} 2',
        'errors_total{code="a \\"b\\"\\\\\\n"} 1',
        "# TYPE depth gauge",
        "depth 5",
    ]
