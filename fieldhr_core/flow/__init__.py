"""The journeys, one file each: positions, days, visits, messages, customers, cases, scores, reports, the schedule."""
