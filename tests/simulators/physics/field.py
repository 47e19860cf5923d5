"""Field results of heatpumpmonitor.org, an independent reference for the simulated ones.

All from the public repository openenergymonitor/heatpumpmonitor.org, folder
analysis/performance_prediction; air-source systems metered whole (boundary H4), without cooling, a
year each, most of them in Britain.

STARTS_PER_HOUR: 5 and 95 % of combined_starts over running_data_length in
heatpumpmonitor_all_fields_last365_2026-07-15.csv. A systematic sample: the rows whole enough in
every third of the file's forty parts of 16,000 characters, 73 systems, least 0.12, median 0.64,
most 5.2 an hour. A start is a rise of the electric power over a threshold; hot water is among them,
mostly once or twice a day. The sample's own performance scatters about `performance_at` by −0.02 ±
0.27, so it stands for the whole.

OUTDOOR_C: 5 and 95 % of weighted_outsideT in the same sample (median 7.3); and the largest of its
weighted_flowT_minus_outsideT is 42 K, beyond which `performance_at` says nothing.

`performance_at`: performance_prediction/docs/01_baseline_dt_relationship.md, n = 225, and its 90 %
prediction interval, PREDICTED_WITHIN.

SHARE_OF_CARNOT: mean and standard deviation of the performance over `carnot_cop`'s heat-weighted
harmonic mean, performance_prediction/docs/09_hstar_fleet_results.md, n = 229. STANDBY_SHARE: the
same, median share of the electricity drawn while the compressor stands. That is 73 kWh a year
(performance_prediction/docs/02_residual_analysis.md): the pumps stop with the compressor.
"""

from typing import Final

import numpy as np

STARTS_PER_HOUR: Final = (0.15, 1.93)
OUTDOOR_C: Final = (5.6, 9.0)
WIDEST_LIFT_K: Final = 42.0
PREDICTED_WITHIN: Final = 0.51
SHARE_OF_CARNOT: Final = (0.454, 0.037)
STANDBY_SHARE: Final = 0.024


def performance_at(lift_k: np.ndarray) -> np.ndarray:
    """Expected seasonal performance for a given water, weighted by heat; `lift_k` over outdoors."""
    return 7.0429 - 0.1095 * lift_k


def carnot_cop(flow_c: np.ndarray, outdoor_c: np.ndarray) -> np.ndarray:
    """Carnot's COP of a machine that condenses 2 K above water and evaporates 6 K below air."""
    return (flow_c + 2.0 + 273.15) / (flow_c + 2.0 - (outdoor_c - 6.0))
