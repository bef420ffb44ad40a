/** The schema of metadata, for kubectl explain. */
const text = { type: 'string' };
const texts = { type: 'object', additionalProperties: text };

export const METADATA_SCHEMA = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': {
    type: 'object',
    description: 'Name, place and history of an object.',
    properties: {
      annotations: { ...texts, description: 'Texts that tools and people leave on the object.' },
      creationTimestamp: {
        ...text,
        format: 'date-time',
        description: 'When the object was created.',
      },
      deletionTimestamp: {
        ...text,
        format: 'date-time',
        description: 'Since when the object is being deleted.',
      },
      finalizers: {
        type: 'array',
        items: text,
        description: 'Who has to agree before the object goes.',
      },
      generation: {
        type: 'integer',
        format: 'int64',
        description: 'Counts the changes of what is wanted.',
      },
      labels: { ...texts, description: 'What selectors select by.' },
      name: { ...text, description: 'Unique for its kind within the namespace.' },
      namespace: { ...text, description: 'Where the object lies.' },
      ownerReferences: {
        type: 'array',
        items: { type: 'object' },
        description: 'When all of them are gone, the object goes too.',
      },
      resourceVersion: { ...text, description: 'Changes with every change of the object.' },
      uid: { ...text, description: 'Unique in time and space.' },
    },
  },
};
