"""The bundle's program: `flow-gl`, or one of its child processes."""

from multiprocessing import freeze_support

from flow_gl.core.system import children

freeze_support()
if not children.run_child():
    from flow_gl.__main__ import main

    main()
