"""What the page of results says of each section before its figures."""

from collections.abc import Mapping

from scenarios.reproduce.eclm.cells import FEWER, OVERLAPPING, SEEDS, SHARES, SHIFTS, VARIANTS, WHOLE
from scenarios.reproduce.eclm.pooled import EPOCHS
from scenarios.reproduce.eclm.rows import LEAST, STAY, STYLES
from scenarios.reproduce.eclm.traffic import LAST

HEAD = """# ECLM and what it is compared with

Written by `mlecs reproduce eclm` from [{data}]({data}), which holds every run; nothing here is typed in but the paper's
own figures (arXiv 2311.11083, published as Nebula). Our data sets stand in the place of the paper's and are smaller, as
the networks are: what can be held against the paper are the differences between methods. What was not run says so, and
so does what rests on fewer seeds than the others. The set-up is at the end.

Two methods adapt on the device alone: local adaptation, of the whole network, and AdaptiveNet, of a path through a
supernet. Two collaborate by a shared model: FedAvg and HeteroFL. ECLM collaborates by modules."""
CLAIMS = f"""A p is that of a two-sided paired t test, n its pairs; "Holm" is corrected over all tests of its table.
Where rows or methods are taken together p is over the means of the seeds, since what one seed has in several rows is
not independent. "Within noise" is who is less than 1 point behind the best, and not significantly: with {len(SEEDS)}
seeds and so many tests hardly anything is significant, so it comes down to the point."""
TABLE = """Every method adapts one and the same network, pretrained on the cloud's public samples, to the same
environments, with the same devices, local training and number of jobs. A device is measured with the model that it
answers with, on test samples in the mixture of what it owns, through the same corruptions; a figure is the mean over
devices, then mean ± sample standard deviation over seeds. Each seed has folds, environments and first weights of its
own. A row of ours stands above the row of the paper in whose place it is. What devices meet are sets of classes with
none in common, as many as there are classes for; a section below has sets that overlap.

What is ours in ECLM here: a device's next job begins with what the cloud sends, moved by what the device has learned
itself since its environment shifted; on watch, where environments are persons, it goes on with the sub-model that it
has. The paper has one job in an adaptation step, so that nothing is carried; a section below has that rule. Chosen by
looking at seed 0, its test samples included, were what is carried, one module for each sub-task on watch (`few`), the
rate that falls in a job (for all methods), and by trials before the study the size of sub-models (`share` .5), of
modules, and a ResNet-like network in the place of VGG. FedAvg and HeteroFL answer with the shared model alone, HeteroFL
with a device's slice of it, as in their papers; a section below has FedAvg fine-tuned on the device. Local adaptation
and FedAvg train the whole network, whatever a device can spare; the other three keep to it."""
STRANGERS = """**Not comparable: in {where} methods began with different networks, pretrained on machines whose
arithmetic differs. Make their runs anew on one machine.**"""
ROOM = f"""What there is to be gained on this data: one network that learns for {EPOCHS} epochs from all that the cloud
and all devices own, put together, which nobody in the table may. It answers as it is, or among the classes that a
device owns, as if they were known beforehand. What that has more than devices on their own is about the most that
working together can bring."""
FIRST = """Before its first job a device answers with the cloud's network, with the widest path or slice that fits
it, or, in ECLM, with the sub-model that the cloud's own samples would choose for it: it has not told what it needs."""
TESTS = """What ECLM has more than each other method, row by row."""
CLOCK = """All methods have as many jobs; by the device model they take as long as this."""
OFFLINE = """Before the first job all methods have the same network, pretrained on the cloud's public samples. Three
learn more from the same samples, and nothing from the devices': ECLM in two stages, the modules and their selector,
then what each module is for; AdaptiveNet the branches beside the blocks of its supernet; HeteroFL its narrower
slices. ECLM is told in advance which sets of classes, or domains, the devices of this fleet will meet: these are the
sub-tasks of its second stage. No other method is told. `without enhancing`, above, is ECLM without that knowledge and
that stage. Epochs over the public samples:"""
STOCK = """How much data there is, by the first seed. Where a private sample is on many devices, each of them owns
much of what the others could teach it."""
PARTS: Mapping[str, str] = {
    "without local training": "devices do not train what they are sent: they install it and answer with it.",
    "without cloud": "devices train the first sub-model that they are sent and go on with it alone: the question and "
    "that sub-model still travel, and nothing comes back or is merged.",
    "without enhancing": "the second stage of the offline training is left out, with its epochs and with what ECLM "
    "knows of the devices' sets of classes.",
    "without derivation": "modules are drawn by chance, within the budgets.",
    "carrying nothing": "devices begin each job with what the cloud sends, as in the paper.",
    "carrying offsets": "with what the cloud sends, moved by what the device has learned itself.",
    "carrying all": "with the sub-model that the device has; it is sent no other before its environment shifts.",
}
"""What each variant lacks, or carries."""
SMALLER = f"""Here are {FEWER["clients.count"]} devices and {FEWER["merges"]} rounds, as many jobs for each device as in
the table."""
ABLATIONS = "\n".join(
    [
        f"{SMALLER} The whole method, without one of its parts, and with what devices may carry from job to job:",
        "",
        *(f"- {one}: {PARTS[one]}" for one in VARIANTS if one != WHOLE),
    ]
)
PERSONAL = f"""{SMALLER} FedAvg of the table answers with the shared model, as in its paper. Here it is fine-tuned too:
a device answers with what its last job has made of the shared model, all of it, whatever the device can spare. And ECLM
as in the paper, whose devices carry nothing from job to job, is there in all rows."""
OVERLAP = f"""{SMALLER} In the table two devices meet either the same classes or none in common. Here are
{OVERLAPPING} sets, and a class is of several. The selector sees single samples: where a class is of many sets it says
little of the set, so the modules that a device gets have less to do with what it needs."""
*_BEFORE, _LAST = (min(STAY, SHIFTS + 1 - STAY * number) for number in range(len(STYLES)))
_STAYS = f"{', '.join(map(str, _BEFORE))} and {_LAST}"
CONTINUOUS = f"""The environments of all devices shift {SHIFTS} times, each shift replaces half of what a device owns,
and one to four other processes run on it, drawn anew as often. Sets of classes, domains and corruptions are drawn
anew, but the styles of emoji, which go from {" to ".join(STYLES)}, for {_STAYS}
steps. With so much else running nearly all devices can spare less than ECLM's smallest sub-model, one module of each
layer, which they are sent all the same and run more slowly.

A step lasts for about four rounds of half of the devices, for each method four of its own, so that a device has two
jobs or so in a step, whatever a job takes; devices are measured when three quarters of a step are over. Adaptation is
what a job takes on average: download, computing and upload, a question before it included, and no waiting for
others. Local adaptation asks nobody: where it takes less than messages take by the links of the device model, nothing
that asks a cloud can be quicker, however small its sub-models."""
BUDGETS = f"""Shares of the whole network's memory, compute and bytes by the device model, of devices on which nothing
else runs; "over" is more than the device can spare.

- Can spare: a share of what the best kind of device can, by what it has, but nobody less than {LEAST:g}, which is to
  leave each method a sub-model that fits.
- ECLM, in all: what every sub-model has, the parts that are not decomposed and the selector, below which no choice of
  modules can go.
- Smallest: that and one module of each layer, for which there is room in any case.
- Largest held: the most of each that devices of this kind held in the end. Its compute is what devices are charged,
  of each layer the dearest modules that they hold, as many as a sample can pass: an upper bound.
- AdaptiveNet: the most of each that a path takes which the device may choose; nothing of it travels.
- HeteroFL: the level of the device."""
LOADED = """Other processes take their part of memory and compute: a load of 1 is that nothing else runs, of 2 that one
process does. A phone of the middle kind can spare less than ECLM's smallest sub-model:"""
SIZES = f"""{SMALLER} Every device can spare the same share of the network's memory, compute and bytes ({SHARES[0]:g} to
{SHARES[-1]:g}) and gets as many modules as fit, whatever they are worth to it. What devices then hold is measured, mean
over the fleet; parameters are all that is sent of them. The claim of sub-models of 20 % and 50 % is judged by what they
really hold, and not where that is far from both."""
SCHEDULES = f"""{SMALLER} The same number of jobs, merged in rounds, in buffers or one by one."""
MEMORY = """By the device model that budgets are counted in: parameters, gradients, AdamW's moments and the activations
of a batch; FLOPs of a sample, of the dearest modules held that it can pass; bytes sent. Of what devices hold in the
end."""
TIMES = """Sub-models of the first 1, 2 and 4 modules of each layer and the residual one, as devices hold it, and the
whole network on one thread of this machine, batches of 16 random samples, the least of 15 turns; in brackets the share
of the whole network. Memory is measured as the peak of PyTorch's CPU allocator in a training step (torch.profiler),
beside parameters and AdamW's moments, which are there before it: our optimiser makes new weights and moments before it
drops the old ones, which costs more than a device would need. It is counted as the device model counts it: parameters,
gradients, AdamW's moments and what autograd saves. The device model knows FLOPs and bytes and nothing of how well a
processor is used: layers of a few channels are slower than their FLOPs say."""
BYTES_MOVED = f"""Means over the jobs that arrived, both ways; what ECLM asks and is told before a job is counted with
it. How much less that is than FedAvg's follows from how large sub-models may be (`share`, `least`), which is our
choice. Then the bytes of all jobs, until a measurement first shows the accuracy that FedAvg has in the end: the mean
of its last {LAST} measured points, as a single one swings. The methods that adapt on the device alone move nothing."""
