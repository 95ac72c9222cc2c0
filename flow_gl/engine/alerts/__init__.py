"""Alerts: rules on trades and detector events, evaluated in event time.

`kernel` evaluates the conditions on trades, `market_alerts` those on events, and keeps the state of one market.
"""
