"""A fleet on one machine: N devices rotate by jobs, and every one of them is looked at afterwards.

``make bench-fleet``. Each device is the real ``urootlet`` state machine with a folder of its own
on the disk and a certificate of its own, and connects over real TLS to the lab, with a real MQTT
broker and the lab's Jobs service behind it::

    device --> its own link --TLS--> front --> broker <-- Jobs, shadows, pacing
    (asyncio task, 250 a process)    (the lab's processes)    (this process)

The clock of a device and what its link does to it are the only things that are simulated. A link
counts the bytes that go by; some are bad, some devices lose power in a trial.
"""
