"""AMT: adaptive multimodal tuning of the device's own model on its private samples (ML-ECS, arXiv 2602.14107).

[paper] Soft-prompt tuning: ``fused_repr -> GELU -> dropout -> Linear -> soft tokens``, (n, 256) to (n, t, hidden),
steers the language model by whatever the device senses; encoders, connector, soft prompt and LoRA train on ``L_LM``,
and the result stays there.
[ours] "Adaptive": only the modules of the senses that work at that moment are held and trained; what a sensor had
learned before it failed waits in the device until it returns.
[ours] What arrives from the cloud would undo what private samples had taught the adapters. So a device goes only a part
of the way, ``own + pull (sent - own)``, as in APFL (arXiv 2003.13461), and what its private samples taught them takes
part in the next merge; ``pull`` 1 is the paper's, where what is sent replaces them.
[ours] Private samples have captions too, so the contrast goes on beside ``L_LM``, their anchors being what these say.
The captions stay; by the connector that they moved, a little of it is in what the next job makes of public samples.
"""

TUNED: tuple[str, ...] | None = None
"""The trees that the private stage trains: all that the client's senses use."""
UNTUNED = ("lora",)
"""Without AMT: private samples tune the adapters alone, behind the connector that the public stage left."""
