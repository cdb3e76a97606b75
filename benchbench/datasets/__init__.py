"""Data sets: where they are published, how they are fetched, adopted and verified.

``manifest`` has the types; a file in ``catalogue`` is a data set; ``names`` finds them.
``fetching`` is `benchbench data get`, over ``sources``, ``downloading`` and ``archives``;
``adopting`` is `data import`; ``plans`` is `data plan`; ``verifying`` is `data verify`. ``content``
recognises official files whose digest is not known.

Under a data root each data set has a folder of its own, which is the data root of the tasks that
read it (``names.task_root``). Photographs that several share lie at the top and are linked::

    DATA_ROOT/val2017/                         coco-val2017
    DATA_ROOT/sugarcrepe/add_att.json, …       sugarcrepe
    DATA_ROOT/sugarcrepe/val2017/              a link to ../val2017
"""
