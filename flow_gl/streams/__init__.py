"""What leaves a chart's store, as rows of the protocol: one stream per chart, kind and level.

`appended` holds streams of rows that never change, `tables` streams of records that are replaced, `chart` the store
that they read. The server's workers and the publisher on the bus both send these.
"""
