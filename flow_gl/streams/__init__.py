"""The rows of a chart's store in the protocol's form: one stream per chart, kind and level.

`appended` holds streams of rows that never change, `tables` streams of records that are replaced, `chart` the store
that they read. The server's workers and the publisher on the bus both send these.
"""
