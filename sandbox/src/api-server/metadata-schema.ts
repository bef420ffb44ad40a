/** The schema of metadata, for kubectl explain. */
const stringSchema = { type: 'string' };
const stringMapSchema = { type: 'object', additionalProperties: stringSchema };

export const METADATA_SCHEMA = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': {
    type: 'object',
    description: 'Name, place and history of an object.',
    properties: {
      annotations: {
        ...stringMapSchema,
        description: 'Texts that tools and people leave on the object.',
      },
      creationTimestamp: {
        ...stringSchema,
        format: 'date-time',
        description: 'When the object was created.',
      },
      deletionTimestamp: {
        ...stringSchema,
        format: 'date-time',
        description: 'Since when the object is being deleted.',
      },
      finalizers: {
        type: 'array',
        items: stringSchema,
        description: 'Who has to agree before the object goes.',
      },
      generation: {
        type: 'integer',
        format: 'int64',
        description: 'Counts the changes of what is wanted.',
      },
      labels: { ...stringMapSchema, description: 'What selectors select by.' },
      name: { ...stringSchema, description: 'Unique for its kind within the namespace.' },
      namespace: { ...stringSchema, description: 'Where the object lies.' },
      ownerReferences: {
        type: 'array',
        items: { type: 'object' },
        description: 'When all of them are gone, the object goes too.',
      },
      resourceVersion: { ...stringSchema, description: 'Changes with every change of the object.' },
      uid: { ...stringSchema, description: 'Unique in time and space.' },
    },
  },
};
