"""What the page says beside its figures."""

HEAD = """# MLLMEmbed-ReID

arXiv 2602.12936: one multimodal language model in the cloud embeds colour, infrared, sketch and text into one space,
and an edge student is distilled from it by cosine matching (CM), principal component matching (PCM) and feature
relation (FR). Written by `mlecs reproduce reid` from `{data}`; what was not run says so.

**The data are not the paper's.** No person re-identification data is in any package, so 1,647 emoji are the
identities: Google's drawings are camera A, Twitter's camera B, OpenMoji's black line art the sketches, their names
(A) and tags (B) the sentences; infrared is *derived* from colour, and said to be. Loaders for CUHK-PEDES, ICFG-PEDES,
RSTPReid, SYSU-MM01, RegDB, LLCM and Market-Sketch-1K are tested on small folders of their layouts, and nothing here
was measured on them. **The teacher is not the paper's either**: SmolLM2-135M in the place of Qwen2-VL-2B, with a
MobileNetV2 that has learned to see by itself, and a connector, in the place of its vision tower. Qwen2-VL's own
classes run through the same code in the tests, with random weights. So what is compared are the parts with one
another, not figures with the paper's."""
SIDES = """mAP of the whole student (PCM + FR + CM) and of its teacher on identities that neither has seen. Cosine
ranking; what a query's own camera saw of its identity is left out of the gallery; a tie counts against. *Student
alone* has no teacher and as many steps in all."""
MEASURES = "The paper's three searches by all measures."
CLAIMS = "Targets that were set out for, and claims of the paper."
RULES = """What the student is taught by, in its second stage, each beside 0.01 of what identity teaches. The first is
the paper's, PCM + FR its released code's, and the others have the same weight in all. *Alone* has no teacher and as
many steps in all; *the teacher's eyes, alone* is the dual encoder of whose pictures' part the teacher borrows, which
sees more than the student: what the teacher would be without its language model."""
COSINE = (
    """All three against cosine matching alone. Paired t tests by seed, corrected together over the pairs (Holm)."""
)
EDGE = "The same rules where the student asks in the teacher's gallery."
LOSSES = """What identity teaches, in the student's first stage alone: naming identities (ID), batch-hard triplets,
and matching of similarity distributions between all pairs of modalities (SDM)."""
SPECTRUM = """Of all that the teacher makes of the public samples, uncentred as PCM takes it. Directions are principal
ones; dimensions are the features' own, the largest first."""
COMPONENTS = """The paper matches 50 components of each batch; *95 % of the energy* takes as many as that batch needs
[ours]. A batch has at most as many as it has rows."""
ADAPTERS = """Which layers of the teacher adapt in their MLP, beside all of their attention: the paper's three
patterns, and none. A teacher of ten layers and 60 steps, as in the fleet, but with the eyes of the whole one."""
MODELS = (
    "Parameters with all that is frozen; seconds for one sighting, from pixels or words to its vector, medians of 15."
)
EXPORT = """The whole student as edge devices run it (ONNX Runtime): weights in int8 by channel; of pictures
activations too, by what 128 public ones of each modality show; of sentences as they come."""
FLEET = """48 cameras, each with some modalities and 24 sightings in one of the two styles, a quarter of them five
times slower; 24 merges of six jobs. The teacher has ten layers, and 35 % of the identities are the cloud's. `anchor`
holds what was taught in the teacher's principal directions; the cloud takes twenty steps of the second stage after
each merge."""
SETUP = """## Set-up

Identities are split by family (a man, a woman and a person who do the same are never separated): a quarter is the
test, another one for each seed, 70 % teach, and the others are left to cameras. Teacher: eyes (MobileNetV2, its upper
five blocks) learn alone for {eye} steps; the connector learns the words that are said of what it sees for {words}
steps, in which no language model runs [ours]; then LoRA of rank {rank} with DoRA in all attention and the last two
MLPs, and the connector, for {steps} steps of {identities} identities, up to two sightings of each in every modality.
Loss: 0.25 ID + triplet + mean of SDM over pairs. From the state where the chat's answer would begin each modality's
mean is taken, and its spread made 1 [ours], or all vectors of a model this small point the same way. Student:
MobileNetV2 at {side} pixels, its lower fourteen blocks frozen, and the first {layers} layers of MiniLM, of which
{trained} learn; four heads. First stage {alone} steps at {alone_lr:g}, second {taught} at {taught_lr:g} (the paper:
50 epochs at 1e-5), AdamW, a tenth of warm-up, cosine to a tenth. Steps and rates of the
teacher, and where its answer is read, were chosen by looking at the test of seed 7, whose split no table here uses;
those of student and eyes on seed 0 of a split of another size; the weights of the distillation are the paper's and were
not tuned."""
